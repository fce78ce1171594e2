import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import {
  DAY_START_MS,
  insertFact,
  insertResult,
  insertStanding,
  resultOf,
  standingOf,
  subjectOf,
  USCC,
} from './rows.ts';
import { createTestApi, type TestApi } from './test-api.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

interface Line {
  post: { id: string; name: string | null };
  limitKind: string | null;
  standing: { state: string };
  latestResult: { verdict: string; revision: number } | null;
}

let api: TestApi | undefined;

beforeEach(async () => {
  await api?.close();
  api = await createTestApi();
});

afterAll(() => api?.close());

const lines = async (query = ''): Promise<Line[]> =>
  ((await api!.get(`/api/v1/posts${query}`)).body as { items: Line[] }).items;

const post = (id: string, name: string, validFromMs = 0) =>
  insertFact(
    api!.db,
    'post',
    id,
    {
      id,
      enterprise: USCC,
      name,
      exposedWorkers: 4,
      altitudeM: 0,
      hotRegion: false,
      hazards: [{ factor: 'carbon-monoxide', primary: { device: 'co-01', metric: 'co' } }] as never,
    },
    validFromMs,
  );

const standing = (id: string, state: 'over' | 'near' | 'below' | 'no-data') =>
  insertStanding(api!.db, standingOf({ subject: subjectOf({ post: id }), state }));

describe('GET /api/v1/posts', () => {
  it('gives nothing while nothing is registered', async () => {
    expect(await lines()).toEqual([]);
  });

  it('gives where a post stands, its limit, its names and the latest verdict', async () => {
    await insertFact(api!.db, 'enterprise', USCC, {
      uscc: USCC,
      name: '示例铸造',
      region: '330106',
    });
    await post('casting', '浇注');
    await standing('casting', 'near');
    await insertResult(api!.db, resultOf());
    expect(await lines()).toEqual([
      expect.objectContaining({
        enterprise: { uscc: USCC, name: '示例铸造', timeZone: 'Asia/Shanghai' },
        post: { id: 'casting', name: '浇注' },
        factor: { id: 'carbon-monoxide', nameZh: '一氧化碳', nameEn: 'Carbon monoxide' },
        limitKind: 'PC_STEL',
        limit: expect.objectContaining({ value: 30, unit: 'mg/m3', clause: 'table 1' }),
        channel: { device: 'co-01', metric: 'co' },
        standing: expect.objectContaining({ state: 'near', current: 24, ratio: 0.8 }),
        latestResult: expect.objectContaining({ verdict: 'within', coverage: 0.98 }),
      }),
    ]);
  });

  it('puts the worst first', async () => {
    await standing('a', 'below');
    await standing('b', 'no-data');
    await standing('c', 'over');
    await standing('d', 'near');
    expect((await lines()).map((line) => line.standing.state)).toEqual([
      'over',
      'near',
      'below',
      'no-data',
    ]);
  });

  it('shows a registered hazard that was never evaluated as without data', async () => {
    await post('welding', '焊接');
    expect(await lines()).toEqual([
      expect.objectContaining({
        post: { id: 'welding', name: '焊接' },
        limitKind: null,
        limit: null,
        channel: { device: 'co-01', metric: 'co' },
        standing: expect.objectContaining({ state: 'no-data', current: null }),
        latestResult: null,
      }),
    ]);
  });

  it('shows a post that the registry does not know by its id', async () => {
    await standing('casting', 'over');
    expect((await lines())[0]?.post).toEqual({ id: 'casting', name: null });
  });

  it('shows the name in force, not one that begins later', async () => {
    await standing('casting', 'below');
    await post('casting', 'in force', DAY_START_MS);
    await post('casting', 'next year', Date.now() + 365 * DAY_MS);
    expect((await lines())[0]?.post.name).toBe('in force');
  });

  it('leaves out a post that has ended', async () => {
    await post('casting', '浇注');
    await insertFact(api!.db, 'post', 'casting', null, DAY_START_MS);
    expect(await lines()).toEqual([]);
  });

  it('gives the latest revision of the latest shift', async () => {
    await standing('casting', 'below');
    const { shift } = subjectOf();
    const before = subjectOf({
      shift: { ...shift, startMs: shift.startMs - DAY_MS, endMs: shift.endMs - DAY_MS },
    });
    await insertResult(api!.db, resultOf({ subject: before, revision: 7, verdict: 'exceeded' }));
    await insertResult(api!.db, resultOf({ revision: 1, verdict: 'indeterminate' }));
    await insertResult(api!.db, resultOf({ revision: 2, verdict: 'borderline' }));
    expect((await lines())[0]?.latestResult).toMatchObject({ verdict: 'borderline', revision: 2 });
  });

  it('gives one line for two crews: that of the later standing', async () => {
    const day = standingOf({ subject: subjectOf({ crew: 'day' }), state: 'over' });
    const night = standingOf({
      subject: subjectOf({ crew: 'night' }),
      state: 'below',
      asOfMs: day.asOfMs + HOUR_MS,
    });
    await insertStanding(api!.db, night);
    await insertStanding(api!.db, day);
    expect(await lines()).toMatchObject([{ crew: { id: 'night' }, standing: { state: 'below' } }]);
  });

  it('pages through all lines once, in the same order', async () => {
    for (const id of ['e', 'c', 'a', 'd', 'b']) await standing(id, id === 'd' ? 'over' : 'below');
    const seen: string[] = [];
    let cursor: string | null = '';
    while (cursor !== null) {
      const query: string = cursor === '' ? '' : `&cursor=${cursor}`;
      const { body } = await api!.get(`/api/v1/posts?limit=2${query}`);
      const page = body as { items: Line[]; nextCursor: string | null };
      seen.push(...page.items.map((line) => line.post.id));
      cursor = page.nextCursor;
    }
    expect(seen).toEqual(['d', 'a', 'b', 'c', 'e']);
  });

  it('filters by enterprise', async () => {
    await standing('a', 'below');
    const other = subjectOf({ post: 'b', enterprise: '91330109MA27K3PQ8X' });
    await insertStanding(api!.db, standingOf({ subject: other }));
    expect((await lines(`?enterprise=${USCC}`)).map((line) => line.post.id)).toEqual(['a']);
  });
});
