import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { insertResult, limitOf, resultOf, subjectOf } from './rows.ts';
import { createTestApi, type TestApi } from './test-api.ts';

const DAY_MS = 86_400_000;
const { shift } = subjectOf();

let api: TestApi;

/** A result of the shift `days` after the first. */
const dayOf = (days: number, changes: Parameters<typeof resultOf>[0] = {}) =>
  resultOf({
    ...changes,
    subject: subjectOf({
      ...changes.subject,
      shift: {
        ...shift,
        startMs: shift.startMs + days * DAY_MS,
        endMs: shift.endMs + days * DAY_MS,
      },
    }),
  });

beforeAll(async () => {
  api = await createTestApi();
  await insertResult(api.db, dayOf(0, { revision: 1, verdict: 'indeterminate' }));
  await insertResult(api.db, dayOf(0, { revision: 2, verdict: 'exceeded' }));
  await insertResult(api.db, dayOf(1));
  await insertResult(api.db, dayOf(2));
  const twa = subjectOf({ limitKind: 'PC_TWA' });
  await insertResult(
    api.db,
    dayOf(2, { subject: twa, limit: limitOf({ kind: 'PC_TWA', value: 20 }) }),
  );
  await insertResult(api.db, dayOf(2, { subject: subjectOf({ post: 'melting' }) }));
});

afterAll(() => api.close());

interface Page {
  items: { revision: number; verdict: string; subject: { shift: { startMs: number } } }[];
  nextCursor: string | null;
}

const read = async (query: string): Promise<Page> =>
  (await api.get(`/api/v1/results?post=casting${query}`)).body as Page;
const days = ({ items }: Page): number[] =>
  items.map((item) => (item.subject.shift.startMs - shift.startMs) / DAY_MS);

describe('GET /api/v1/results', () => {
  it('gives the latest revision of each shift, newest shift first', async () => {
    const page = await read('&limitKind=PC_STEL');
    expect(days(page)).toEqual([2, 1, 0]);
    expect(page.items[2]).toMatchObject({ revision: 2, verdict: 'exceeded' });
  });

  it('gives every revision on demand', async () => {
    const { items } = await read('&limitKind=PC_STEL&revisions=all');
    expect(items.map((item) => item.revision)).toEqual([1, 1, 2, 1]);
  });

  it('gives a result as it was stored, with its hashes', async () => {
    const [stored] = (await read('&limitKind=PC_STEL&limit=1')).items;
    expect(stored).toEqual(JSON.parse(JSON.stringify(dayOf(2))));
  });

  it('filters by factor, crew and the start of the shift', async () => {
    const from = shift.startMs + DAY_MS;
    expect(days(await read(`&factor=carbon-monoxide&fromMs=${from}&toMs=${from + 1}`))).toEqual([
      1,
    ]);
    expect(days(await read('&factor=noise'))).toEqual([]);
    expect(days(await read('&crew=nobody'))).toEqual([]);
  });

  it('pages through all revisions once', async () => {
    let cursor: string | null = '';
    let seen = 0;
    while (cursor !== null) {
      const page: Page = await read(`&revisions=all&limit=2${cursor && `&cursor=${cursor}`}`);
      seen += page.items.length;
      cursor = page.nextCursor;
    }
    expect(seen).toBe(5);
  });

  it('needs a post', async () => {
    const { status, body } = await api.get('/api/v1/results');
    expect(status).toBe(400);
    expect((body as { error: { message: string } }).error.message).toContain('post');
  });
});
