import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SERIES_POINTS_MAX } from '../../src/api/routes/series.ts';
import type { MinuteCellSummary } from '../../src/model/exposure.ts';
import { DAY_START_MS, insertCells } from './rows.ts';
import { createTestApi, type TestApi } from './test-api.ts';

const MINUTE_MS = 60_000;
const MINUTES = 2_100;

let api: TestApi;

const cell = (device: string, minute: number): MinuteCellSummary => ({
  channel: { device, metric: 'co' } as MinuteCellSummary['channel'],
  minuteMs: DAY_START_MS + minute * MINUTE_MS,
  unit: 'mg/m3',
  mean: minute === 3 ? null : minute,
  max: minute === 3 ? null : minute + 0.5,
  coveredSeconds: minute === 3 ? 0 : 60,
  excludedSeconds: minute === 3 ? 60 : 0,
});

beforeAll(async () => {
  api = await createTestApi();
  const minutes = Array.from({ length: MINUTES }, (_, minute) => minute).filter((m) => m !== 5);
  await insertCells(
    api.db,
    minutes.map((minute) => cell('co-01', minute)),
  );
  await insertCells(api.db, [cell('co-02', 0)]);
});

afterAll(() => api.close());

interface Series {
  fromMs: number;
  toMs: number;
  points: { minuteMs: number; mean: number | null; coveredSeconds: number }[];
}

const read = (query: string) => api.get(`/api/v1/series?${query}`);

describe('GET /api/v1/series', () => {
  it('gives the minutes from fromMs up to, not including, toMs, ascending', async () => {
    const range = `fromMs=${DAY_START_MS}&toMs=${DAY_START_MS + 8 * MINUTE_MS}`;
    const { points } = (await read(`device=co-01&metric=co&${range}`)).body as Series;
    const minutes = points.map((point) => (point.minuteMs - DAY_START_MS) / MINUTE_MS);
    expect(minutes).toEqual([0, 1, 2, 3, 4, 6, 7]);
    expect(points[1]).toEqual({
      minuteMs: DAY_START_MS + MINUTE_MS,
      unit: 'mg/m3',
      mean: 1,
      max: 1.5,
      coveredSeconds: 60,
      excludedSeconds: 0,
    });
  });

  it('shows a minute without proof as null, never as a number', async () => {
    const at = DAY_START_MS + 3 * MINUTE_MS;
    const { points } = (await read(`device=co-01&metric=co&fromMs=${at}&toMs=${at + MINUTE_MS}`))
      .body as Series;
    expect(points).toMatchObject([
      { mean: null, max: null, coveredSeconds: 0, excludedSeconds: 60 },
    ]);
  });

  it('gives the last 24 h of the channel when no range is named', async () => {
    const series = (await read('device=co-01&metric=co')).body as Series;
    expect(series.toMs).toBe(DAY_START_MS + MINUTES * MINUTE_MS);
    expect(series.points).toHaveLength(1_440);
  });

  it('gives no points for a channel that it does not know', async () => {
    const { status, body } = await read('device=co-99&metric=co');
    expect(status).toBe(200);
    expect((body as Series).points).toEqual([]);
  });

  it(`gives ${SERIES_POINTS_MAX} minutes and refuses one more`, async () => {
    const range = (minutes: number): string =>
      `device=co-01&metric=co&fromMs=${DAY_START_MS}&toMs=${DAY_START_MS + minutes * MINUTE_MS}`;
    const widest = (await read(range(SERIES_POINTS_MAX))).body as Series;
    const wider = await read(range(SERIES_POINTS_MAX + 1));
    expect(widest.points).toHaveLength(SERIES_POINTS_MAX - 1);
    expect(wider.status).toBe(400);
    expect(wider.body).toMatchObject({ error: { code: 'RANGE_TOO_WIDE' } });
  });
});
