import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makePackage } from '../../src/alerts/evidence-package.ts';
import { insertPackage } from '../console/sample-day.ts';
import {
  clueBodyOf,
  insertClue,
  insertFact,
  insertOutbox,
  resultOf,
  subjectOf,
  USCC,
} from './rows.ts';
import { createTestApi, type TestApi } from './test-api.ts';

const numberOf = (i: number): string => `CL33010620251124AAAAAA${String(i).padStart(2, '0')}`;
const OVER = resultOf({
  verdict: 'exceeded',
  ratio: 1.28,
  firstExceedAtMs: 1_763_946_840_000,
  lastExceedAtMs: 1_763_968_140_000,
});

let api: TestApi;

const clue = (i: number, changes: Partial<Parameters<typeof insertClue>[1]> = {}) =>
  insertClue(api.db, {
    clueNo: numberOf(i),
    state: 'READY',
    pos: 100 + i,
    result: OVER,
    enterpriseName: '示例铸造',
    postName: '浇注',
    ...changes,
  });

beforeAll(async () => {
  api = await createTestApi();
  await insertFact(api.db, 'enterprise', USCC, {
    uscc: USCC,
    name: '示例铸造',
    region: '330106',
    timeZone: 'Asia/Urumqi',
  });
  const evidence = makePackage({
    schemaVersion: 1,
    clueNo: numberOf(3),
    revision: 1,
    result: OVER,
    inputs: { cells: [] },
  });
  const { packageId, sm3, bytes } = evidence;
  await clue(1);
  await clue(2, { result: resultOf({ ...OVER, subject: subjectOf({ post: 'melting' }) }) });
  await clue(3, {
    state: 'ACKED',
    platformNo: 'P-17',
    behaviorCode: 'W-01',
    evidence: { packageId, sha256: packageId, sm3, bytes, url: null, sealed: false },
  });
  await insertPackage(api.db, numberOf(3), evidence);
  await insertHistory(numberOf(3));
});

afterAll(() => api.close());

async function insertHistory(clueNo: string): Promise<void> {
  const key = await insertOutbox(api.db, { clueNo, revision: 1, state: 'sent', attempts: 2 });
  const events = [1, 2].map((seq) => ({
    clue_no: clueNo,
    seq,
    type: seq === 1 ? 'OPENED' : 'RELEASED',
    at_ms: 1_763_946_000_000 + seq,
    pos: 100 + seq,
    reason: 'because',
    detail: JSON.stringify({ seq }),
  }));
  await api.db.insertInto('enforcement.clue_event').values(events).execute();
  await api.db
    .insertInto('enforcement.episode')
    .values({
      episode_key: 'e1',
      clue_no: clueNo,
      start_ms: 1_763_946_840_000,
      end_ms: 1_763_968_140_000,
      lower_bound_max: 38.4,
      pos: 101,
    })
    .execute();
  for (const [attempt, status] of [[1, null] as const, [2, 201] as const]) {
    await api.db
      .insertInto('enforcement.push')
      .values({
        idempotency_key: key,
        attempt,
        request_sha256: 'ab'.repeat(32),
        status,
        detail: status === null ? 'no answer within 10000 ms' : 'created',
        took_ms: 12,
      })
      .execute();
  }
  await api.db
    .insertInto('enforcement.receipt')
    .values({
      idempotency_key: key,
      platform_no: 'P-17',
      behavior_code: 'W-01',
      body: JSON.stringify({ platformNo: 'P-17' }),
    })
    .execute();
}

interface Listed {
  items: { clueNo: string; [member: string]: unknown }[];
  nextCursor: string | null;
}

const list = async (query = ''): Promise<Listed> =>
  (await api.get(`/api/v1/clues${query}`)).body as Listed;
const numbers = ({ items }: Listed): string[] => items.map((item) => item.clueNo);

describe('GET /api/v1/clues', () => {
  it('gives clues newest first', async () => {
    expect(numbers(await list())).toEqual([numberOf(3), numberOf(2), numberOf(1)]);
  });

  it('gives what the clue says and what the platform answered', async () => {
    const [newest] = (await list()).items;
    expect(newest).toMatchObject({
      clueNo: numberOf(3),
      revision: 1,
      state: 'ACKED',
      status: 'STANDING',
      enterprise: { uscc: USCC, name: '示例铸造', timeZone: 'Asia/Urumqi' },
      post: { id: 'casting', name: '浇注' },
      factor: { id: 'carbon-monoxide', nameZh: '一氧化碳', nameEn: 'Carbon monoxide' },
      limitKind: 'PC_STEL',
      limit: { value: 30, unit: 'mg/m3', standard: 'GBZ 2.1-2019' },
      observed: { lowerBound: 24, value: 24.5, ratio: 1.28, coverage: 0.98 },
      firstExceedAtMs: OVER.firstExceedAtMs,
      lastExceedAtMs: OVER.lastExceedAtMs,
      platformNo: 'P-17',
      behaviorCode: 'W-01',
      push: { revision: 1, state: 'sent', attempts: 2, lastError: null },
    });
  });

  it('shows what was released, and apart from it the revision that waits', async () => {
    const spec = {
      clueNo: numberOf(8),
      state: 'READY',
      pos: 90,
      enterpriseName: '示例铸造',
      postName: '浇注',
    };
    const worse = resultOf({
      ...OVER,
      subject: subjectOf({ crew: 'casting-night' }),
      window: { ...OVER.window, lowerBound: 48 },
    });
    await insertClue(api.db, {
      ...spec,
      result: OVER,
      dueAtMs: 1_763_990_000_000,
      pending: clueBodyOf({ ...spec, result: worse, revision: 2 }),
    });
    const { body } = await api.get(`/api/v1/clues/${numberOf(8)}`);
    await api.db.deleteFrom('enforcement.clue').where('clue_no', '=', numberOf(8)).execute();
    expect(body).toMatchObject({
      revision: 1,
      crew: 'casting-day',
      observed: { lowerBound: 24 },
      body: { revision: 1, observed: { lowerBound: 24 } },
      pending: {
        revision: 2,
        dueAtMs: 1_763_990_000_000,
        status: 'STANDING',
        crew: 'casting-night',
        observed: { lowerBound: 48 },
        evidenceId: null,
      },
    });
    expect((body as { body: object }).body).not.toHaveProperty('pending');
    expect((await list()).items[0]).toMatchObject({ pending: null });
  });

  it('pages through all clues once, whatever the page size', async () => {
    const seen: string[] = [];
    let cursor: string | null = null;
    do {
      const page: Listed = await list(`?limit=2${cursor === null ? '' : `&cursor=${cursor}`}`);
      expect(page.items.length).toBeLessThanOrEqual(2);
      seen.push(...numbers(page));
      cursor = page.nextCursor;
    } while (cursor !== null);
    expect(seen).toEqual([numberOf(3), numberOf(2), numberOf(1)]);
  });

  it('does not show a clue twice when a newer one comes between two pages', async () => {
    const first = await list('?limit=2');
    await clue(9);
    const second = await list(`?limit=2&cursor=${first.nextCursor}`);
    await api.db.deleteFrom('enforcement.clue').where('clue_no', '=', numberOf(9)).execute();
    expect(numbers(second)).toEqual([numberOf(1)]);
  });

  it('filters by post and by state', async () => {
    expect(numbers(await list('?post=melting'))).toEqual([numberOf(2)]);
    expect(numbers(await list('?state=ACKED'))).toEqual([numberOf(3)]);
    expect(numbers(await list(`?enterprise=${USCC}&state=WITHDRAWN`))).toEqual([]);
  });

  it.each(['0', '201', 'many'])('refuses a page of %s rows', async (limit) => {
    const { status, body } = await api.get(`/api/v1/clues?limit=${limit}`);
    expect(status).toBe(400);
    expect(body).toMatchObject({ error: { code: 'INVALID_REQUEST' } });
    expect((body as { error: { message: string } }).error.message).toContain('limit');
  });

  it.each(['nonsense', 'WzEsMiwzXQ'])('refuses the cursor %s', async (cursor) => {
    const { status, body } = await api.get(`/api/v1/clues?cursor=${cursor}`);
    expect(status).toBe(400);
    expect(body).toMatchObject({ error: { code: 'INVALID_CURSOR' } });
  });
});

const cursorOf = (key: unknown): string => Buffer.from(JSON.stringify(key)).toString('base64url');

describe('what no database can hold', () => {
  it.each([
    ['/api/v1/clues?state=%00', 'INVALID_REQUEST'],
    ['/api/v1/clues/%00', 'INVALID_REQUEST'],
    ['/api/v1/clues/CL%00', 'INVALID_REQUEST'],
    [`/api/v1/clues?cursor=${cursorOf([1, 'CL\0'])}`, 'INVALID_CURSOR'],
    [`/api/v1/clues?cursor=${cursorOf([1, 'CL\ud800'])}`, 'INVALID_CURSOR'],
    [`/api/v1/posts?cursor=${cursorOf([1, USCC, 'a\0', '', ''])}`, 'INVALID_CURSOR'],
    [`/api/v1/posts?cursor=${cursorOf([2 ** 40, USCC, 'a', '', ''])}`, 'INVALID_CURSOR'],
    [`/api/v1/results?post=a&cursor=${cursorOf([1, '\0', 1])}`, 'INVALID_CURSOR'],
    [`/api/v1/results?post=a&cursor=${cursorOf([1, 'a', 2 ** 40])}`, 'INVALID_CURSOR'],
    ['/api/v1/posts?enterprise=%00', 'INVALID_REQUEST'],
    ['/api/v1/results?post=%00', 'INVALID_REQUEST'],
    ['/api/v1/series?device=%00&metric=co', 'INVALID_REQUEST'],
    ['/api/v1/evidence/%00', 'INVALID_REQUEST'],
  ])('is refused at %s with 400 %s', async (url, code) => {
    const { status, body } = await api.get(url);
    expect(body).toMatchObject({ error: { code } });
    expect(status).toBe(400);
  });
});

describe('GET /api/v1/clues/:clueNo', () => {
  it('gives events, episodes, pushes, receipts and evidence in the order they happened', async () => {
    const { status, body } = await api.get(`/api/v1/clues/${numberOf(3)}`);
    expect(status).toBe(200);
    expect(body).toMatchObject({
      clueNo: numberOf(3),
      body: { label: '线索，不作为处罚证据', exposureBasis: 'SCHEDULE' },
      episodes: [{ lowerBoundMax: 38.4 }],
      events: [
        { seq: 1, type: 'OPENED', detail: { seq: 1 } },
        { seq: 2, type: 'RELEASED' },
      ],
      outbox: [{ idempotencyKey: `${numberOf(3)}-1`, state: 'sent', attempts: 2 }],
      pushes: [
        { attempt: 1, status: null, detail: 'no answer within 10000 ms' },
        { attempt: 2, status: 201 },
      ],
      receipts: [{ platformNo: 'P-17', body: { platformNo: 'P-17' } }],
      evidence: [
        { revision: 1, url: expect.stringMatching(/^\/api\/v1\/evidence\/[0-9a-f]{64}$/) },
      ],
    });
  });

  it('keeps the working notes of the alerts to itself', async () => {
    const { body } = await api.get(`/api/v1/clues/${numberOf(3)}`);
    expect((body as { body: object }).body).not.toHaveProperty('ledger');
  });

  it('says so when there is no such clue', async () => {
    const { status, body } = await api.get('/api/v1/clues/CL0');
    expect(status).toBe(404);
    expect(body).toMatchObject({ error: { code: 'CLUE_NOT_FOUND', message: 'No clue CL0' } });
  });
});
