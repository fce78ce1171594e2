import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fleetChain } from '../../simulators/fleet.ts';
import { FLEET_METRICS, fleetMember } from '../../simulators/fleet-member.ts';
import type { Batch } from '../../src/model/batch.ts';
import { RegionCode } from '../../src/model/ids.ts';
import { HOUR_MS, MINUTE_MS, SECOND_MS } from '../../src/model/time.ts';
import { topicOf } from '../../src/telemetry/topics.ts';
import { REGION } from '../e2e/hub-files.ts';
import { until } from '../e2e/hub-outcome.ts';
import { type RunningHub, startRunningHub } from '../e2e/running-hub.ts';
import {
  influxQl,
  startInfluxd1,
  type TimeSeriesServer,
} from '../ingest/influx/time-series-servers.ts';
import { dashboards, type Panel, type QueryContext, substituted } from './dashboards.ts';

/** 07:55 to 16:15 in Hangzhou: one whole day shift, two frames a batch, a frame a minute. */
const START_MS = Date.parse('2026-11-10T07:55:00+08:00');
const BATCHES = 250;
const END_MS = START_MS + BATCHES * 2 * MINUTE_MS;
const SHIFT_START_MS = Date.parse('2026-11-10T08:00:00+08:00');
const SHIFT_END_MS = SHIFT_START_MS + 8 * HOUR_MS;
const GATEWAYS = 2;
/** Every second member is over the limits. */
const LOUD = fleetMember(0);

let influx: TimeSeriesServer;
let running: RunningHub;
const sent: Batch[] = [];

const topic = (gateway: string) =>
  topicOf({
    region: RegionCode.parse(REGION),
    gateway: gateway as Parameters<typeof topicOf>[0]['gateway'],
    channel: 'live',
  });

beforeAll(async () => {
  influx = await startInfluxd1();
  await influxQl(influx.url, 'create database wugan');
  running = await startRunningHub({
    ...{ nowMs: START_MS, gateways: GATEWAYS, load: 'A' },
    settings: { influx: { url: influx.url, api: 'v1', intervalMs: 0, cpuShareMax: 1 } },
  });
  const options = {
    ...{ mqttUrl: '', region: REGION, gateways: GATEWAYS, load: 'A' as const, batches: BATCHES },
    ...{ startMs: START_MS, frameSpanMs: MINUTE_MS, overEvery: 2 },
  };
  const chains = Array.from({ length: GATEWAYS }, (_, index) => fleetChain(options, index));
  for (let n = 0; n < BATCHES; n++) {
    for (const [index, chain] of chains.entries()) {
      const { payload } = chain.nextBatch();
      running.nowMs = Math.max(running.nowMs, chain.head().atMs + SECOND_MS);
      await publish(fleetMember(index).gateway, JSON.parse(payload), payload);
    }
  }
  await publishBad();
  running.nowMs = END_MS + 3 * HOUR_MS;
  const { journalPos } = running.hub.stats();
  await until('the shift is closed', 30_000, async () =>
    running.hub.stats().evaluatorPos > journalPos ? true : null,
  );
  await until('InfluxDB has it', 60_000, async () =>
    (await cursorsReach(running.hub.stats().evaluatorPos)) ? true : null,
  );
}, 180_000);

afterAll(async () => {
  await running?.close();
  await running?.database.close();
  await influx?.close();
});

async function publish(gateway: string, batch: Batch, payload: string): Promise<void> {
  sent.push(batch);
  await running.publish(gateway, topic(gateway), payload);
}

/** What is no proof, after the shift; and what nobody can read. */
async function publishBad(): Promise<void> {
  const { gateway, device } = LOUD;
  const frame = { device, spanMs: 1_000 };
  const batch = {
    ...{ v: 1, gateway, createdAt: END_MS },
    frames: [
      { ...frame, at: END_MS + SECOND_MS, values: { co: 30 }, flags: { co: 'M' } },
      { ...frame, at: END_MS + 2 * SECOND_MS, values: { co: null }, flags: { co: 'B' } },
      // Closes the minute of the two before.
      { ...frame, at: END_MS + 3 * MINUTE_MS, values: { co: 30 } },
    ],
  } as unknown as Batch;
  running.nowMs = END_MS + 4 * MINUTE_MS;
  await publish(gateway, batch, JSON.stringify(batch));
  await running.publish(gateway, topic(gateway), 'no JSON');
}

async function cursorsReach(pos: number): Promise<boolean> {
  const { rows } = await running.database.pool.query<{ pos: number }>(
    `select pos from telemetry.sink_cursor where name like 'influx%'`,
  );
  return rows.length === 2 && rows.every((row) => row.pos >= pos);
}

const POST = `${LOUD.gateway}-post`;
const FACTORS = FLEET_METRICS.map(({ factor }) => factor as string).sort();

const context = (): QueryContext => ({
  ...{ fromMs: START_MS, toMs: END_MS + HOUR_MS, intervalMs: 5 * MINUTE_MS },
  variables: { enterprise: [], post: [POST], factor: FACTORS },
});

/** Up to where the hub's clock went: its time stands in the journal. */
const hubContext = (): QueryContext => ({ ...context(), toMs: END_MS + 4 * HOUR_MS });

/** Pushes are of the machine's clock. */
const nowContext = (): QueryContext => ({
  ...context(),
  fromMs: Date.now() - HOUR_MS,
  toMs: Date.now() + HOUR_MS,
});

type Row = Record<string, unknown>;

const sql = async (query: string, given: QueryContext): Promise<Row[]> =>
  (await running.database.pool.query<Row>(substituted(query, given))).rows;

const series = (query: string, given: QueryContext) =>
  influxQl(influx.url, substituted(query, given), 'wugan');

/** Readings as they were sent, of the loud gateway or all, with their flag. */
function readings(onlyLoud: boolean) {
  return sent
    .filter(({ gateway }) => !onlyLoud || gateway === LOUD.gateway)
    .flatMap(({ gateway, frames }) =>
      frames.flatMap(({ at, values, flags }) =>
        Object.entries(values).map(([metric, value]) => ({
          ...{ gateway: gateway as string, at, metric, value },
          flag: flags?.[metric as keyof typeof flags] ?? 'N',
        })),
      ),
    );
}

/** Highest value of each interval, as InfluxQL groups: from the interval's start on. */
function highest(points: readonly { at: number; value: number }[], intervalMs: number) {
  const found = new Map<number, number>();
  for (const { at, value } of points) {
    const start = Math.floor(at / intervalMs) * intervalMs;
    found.set(start, Math.max(found.get(start) ?? Number.NEGATIVE_INFINITY, value));
  }
  return found;
}

/** `series of a metric → [time, value]` without empty intervals. */
const filled = (values: readonly (readonly unknown[])[]): [number, number][] =>
  values.flatMap(([at, value]) =>
    value === null || value === 0 ? [] : [[at as number, value as number] as [number, number]],
  );

const sum = (numbers: Iterable<number>): number => [...numbers].reduce((a, b) => a + b, 0);

/** What each panel must show, by dashboard and panel id; a panel without one fails. */
const EXPECTED: Readonly<Record<string, (panel: Panel) => Promise<void>>> = {
  async 'wugan-exposure 1'(panel) {
    const rows = await sql(queryOf(panel), context());
    const standings = await running.database.db
      .selectFrom('exposure.standing')
      .selectAll()
      .where('post', '=', POST)
      .execute();
    expect(rows).toHaveLength(standings.length);
    const co = rows.find((row) => row['factor'] === 'carbon-monoxide');
    expect(co).toMatchObject({ unit: 'mg/m3', state: expect.stringMatching(/over|no-data/) });
  },

  async 'wugan-exposure 2'(panel) {
    const found = await series(queryOf(panel), context());
    expect(found.map(({ tags }) => tags?.['metric']).sort()).toEqual(
      FLEET_METRICS.map(({ metric }) => metric as string).sort(),
    );
    // A frame is a minute: the minute's mean is the frame's value.
    const sentCo = readings(true).filter(({ metric, flag }) => metric === 'co' && flag === 'N');
    const points = sentCo.map(({ at, value }) => ({
      at: Math.floor((at - 1) / MINUTE_MS) * MINUTE_MS,
      value: value as number,
    }));
    const co = found.find(({ tags }) => tags?.['metric'] === 'co');
    expect(co?.tags?.['unit']).toBe('mg/m3');
    const shown = filled(co?.values ?? []);
    const expected = highest(points, 5 * MINUTE_MS);
    expect(shown.map(([at]) => at)).toEqual([...expected.keys()]);
    for (const [at, value] of shown) expect(value).toBeCloseTo(expected.get(at) as number, 9);
    const limits = await sql(queryOf(panel, 'B'), context());
    const twa = limits.filter((row) => row['metric'] === 'carbon-monoxide PC_TWA [mg/m3]');
    expect(twa.map((row) => [(row['time'] as Date).getTime(), row['value']])).toEqual(
      expect.arrayContaining([
        [SHIFT_START_MS, 20],
        [SHIFT_END_MS, 20],
      ]),
    );
  },

  async 'wugan-exposure 3'(panel) {
    const found = await series(queryOf(panel), context());
    const laeq = found.find(({ tags }) => tags?.['metric'] === 'laeq');
    const points = readings(true).flatMap(({ metric, at, value }) =>
      metric === 'laeq' ? [{ at, value: value as number }] : [],
    );
    expect(filled(laeq?.values ?? [])).toEqual([...highest(points, 5 * MINUTE_MS)]);
    expect(laeq?.tags).toMatchObject({ unit: 'dB(A)', device: LOUD.device });
  },

  async 'wugan-exposure 4'(panel) {
    const rows = await sql(queryOf(panel), context());
    const results = (await lastResults()).filter(({ result }) => result.ratio !== null);
    expect(pairs(rows)).toEqual(
      results
        .map(({ crew, factor, kind, result }) => [`${crew} ${factor} ${kind}`, result.ratio])
        .sort(),
    );
    // A mean of about 45 mg/m³ of CO against 20.
    const twa = rows.find((row) => `${row['metric']}`.endsWith('-day carbon-monoxide PC_TWA'));
    expect(twa?.['value']).toBeGreaterThan(1.5);
  },

  async 'wugan-exposure 5'(panel) {
    const rows = await sql(queryOf(panel), context());
    const results = (await lastResults()).filter(({ result }) => result.difference !== null);
    expect(results.length).toBeGreaterThan(0);
    expect(pairs(rows)).toEqual(
      results
        .map(({ crew, factor, kind, result }) => [
          `${crew} ${factor} ${kind} [${result.limit.unit}]`,
          result.difference,
        ])
        .sort(),
    );
  },

  async 'wugan-exposure 6'(panel) {
    const rows = await sql(queryOf(panel), context());
    const twa = rows.filter(
      (row) => row['factor'] === 'carbon-monoxide' && row['limit_kind'] === 'PC_TWA',
    );
    const day = twa.find((row) => row['shift_start'] === SHIFT_START_MS);
    const mean = meanOfShift('co');
    expect(day).toMatchObject({
      ...{ verdict: 'exceeded', limit_value: 20, unit: 'mg/m3', coverage: 1, uncertainty: 0.5 },
      ...{ crew: `${LOUD.gateway}-day`, basis: 'SCHEDULE', shift_end: SHIFT_END_MS },
    });
    expect(day?.['lower_bound']).toBeCloseTo(mean, 6);
  },

  async 'wugan-exposure 7'(panel) {
    const found = await series(queryOf(panel), context());
    const co = found.find(({ tags }) => tags?.['metric'] === 'co');
    expect(co?.columns).toEqual(['time', 'covered', 'excluded']);
    const hours = new Map(co?.values.map(([at, covered]) => [at, covered]));
    expect(hours.get(SHIFT_START_MS + HOUR_MS)).toBe(3_600);
    // Each frame of the chain covers a minute, the last one a second; of two more one was marked, one null.
    expect(sum((co?.values ?? []).map(([, covered]) => covered as number))).toBe(
      BATCHES * 2 * 60 + 1,
    );
    expect(sum((co?.values ?? []).map(([, , excluded]) => excluded as number))).toBe(2);
  },

  async 'wugan-exposure 8'(panel) {
    const found = await series(queryOf(panel), context());
    const counted = found.map(({ tags, values }) => [
      tags?.['flag'],
      sum(values.map(([, value]) => value as number)),
      sum(values.map(([, , missing]) => missing as number)),
    ]);
    expect(counted.sort()).toEqual([
      ['B', 0, 1],
      ['M', 1, 0],
    ]);
  },

  async 'wugan-exposure 9'(panel) {
    const rows = await sql(queryOf(panel), context());
    const clues = await running.database.db
      .selectFrom('enforcement.clue')
      .select('clue_no')
      .where('post', '=', POST)
      .execute();
    expect(clues.length).toBeGreaterThan(0);
    expect(rows.map((row) => row['clue_no']).sort()).toEqual(
      clues.map(({ clue_no }) => clue_no).sort(),
    );
  },

  async 'wugan-pipeline 1'(panel) {
    const found = await series(queryOf(panel), context());
    const total = new Map(
      found.map(({ tags, values }) => [
        tags?.['gateway'],
        sum(values.map(([, readingsOf]) => readingsOf as number)),
      ]),
    );
    const expected = Map.groupBy(
      readings(false).filter(({ value }) => value !== null),
      ({ gateway }) => gateway,
    );
    expect(total).toEqual(new Map([...expected].map(([gateway, all]) => [gateway, all.length])));
  },

  async 'wugan-pipeline 2'(panel) {
    const found = await series(queryOf(panel), context());
    const counted = new Map(
      found.map(({ tags, values }) => [
        tags?.['flag'],
        sum(values.flatMap(([, value, missing]) => [Number(value), Number(missing)])),
      ]),
    );
    const expected = Map.groupBy(readings(false), ({ flag }) => flag);
    expect(counted).toEqual(new Map([...expected].map(([flag, all]) => [flag, all.length])));
  },

  async 'wugan-pipeline 3'(panel) {
    const rows = await sql(queryOf(panel), hubContext());
    const { rows: head } = await running.database.pool.query<{ pos: number }>(
      'select pos from telemetry.shard',
    );
    const shown = sum(rows.map((row) => (row['entries'] as number) * 60));
    // Ticks go on while the panel is asked.
    expect(shown).toBeGreaterThan(sent.length);
    expect(Math.abs(shown - (head[0]?.pos ?? 0))).toBeLessThan(50);
    expect(Number(rows[0]?.['time']) % 60).toBe(0);
  },

  async 'wugan-pipeline 4'(panel) {
    const rows = await sql(queryOf(panel), hubContext());
    const { rows: stored } = await running.database.pool.query<{ bytes: number }>(
      'select sum(length(header) + length(body)) as bytes from telemetry.block',
    );
    const shown = sum(rows.map((row) => (row['bytes'] as number) * 60));
    expect(shown / Number(stored[0]?.bytes)).toBeGreaterThan(0.9);
    expect(shown / Number(stored[0]?.bytes)).toBeLessThan(1.01);
  },

  async 'wugan-pipeline 5'(panel) {
    const rows = await sql(queryOf(panel), hubContext());
    for (const row of rows) expect(row['entries']).toBeGreaterThanOrEqual(1);
    expect(rows.length).toBeGreaterThan(0);
  },

  async 'wugan-pipeline 6'(panel) {
    const rows = await sql(queryOf(panel), hubContext());
    const { rows: delays } = await running.database.pool.query<{ ms: number }>(
      `select extract(epoch from committed_at)::float8 * 1000 - at_max_ms as ms
       from telemetry.block where at_max_ms is not null order by 1`,
    );
    const [least, most] = [delays[0]?.ms ?? 0, delays.at(-1)?.ms ?? 0];
    expect(rows.length).toBeGreaterThan(0);
    for (const row of rows) {
      expect(row['p50']).toBeGreaterThanOrEqual(least);
      expect(row['p99']).toBeGreaterThanOrEqual(row['p50'] as number);
      expect(row['p99']).toBeLessThanOrEqual(most);
    }
  },

  async 'wugan-pipeline 7'(panel) {
    await expect
      .poll(async () => sql(queryOf(panel), context()), { timeout: 20_000 })
      .toEqual([
        { name: 'evaluator', lag: expect.any(Number) },
        { name: 'influx-readings', lag: expect.any(Number) },
        { name: 'influx-results', lag: expect.any(Number) },
      ]);
    for (const row of await sql(queryOf(panel), context())) expect(row['lag']).toBeLessThan(1_000);
  },

  async 'wugan-pipeline 8'(panel) {
    const rows = await sql(queryOf(panel), context());
    const { rows: outbox } = await running.database.pool.query<{ pending: number }>(
      `select count(*)::int as pending from enforcement.outbox where state = 'pending'`,
    );
    const shown = new Map(rows.map((row) => [row['state'], row['revisions']]));
    expect(shown.get('pending')).toBe(outbox[0]?.pending);
    expect(shown.get('first tried (s ago)')).toBeGreaterThan(0);
  },

  async 'wugan-pipeline 9'(panel) {
    const rows = await until('a push was tried', 20_000, async () => {
      const found = await sql(queryOf(panel), nowContext());
      return found.length > 0 ? found : null;
    });
    for (const row of rows) expect(row['p99']).toBeGreaterThanOrEqual(row['p50'] as number);
  },

  async 'wugan-pipeline 10'(panel) {
    const rows = await sql(queryOf(panel), nowContext());
    // Nobody listens where the platform should be.
    expect(new Set(rows.map((row) => row['metric']))).toEqual(new Set(['none']));
    expect(sum(rows.map((row) => row['value'] as number))).toBeGreaterThan(0);
  },

  async 'wugan-pipeline 11'(panel) {
    const rows = await sql(queryOf(panel), hubContext());
    expect(rows).toMatchObject([{ metric: 'invalid-json', value: 1 }]);
  },

  async 'wugan-pipeline 12'(panel) {
    const found = await series(queryOf(panel), context());
    const last = new Map(found.map(({ tags, values }) => [tags?.['gateway'], values[0]]));
    expect(last.get(LOUD.gateway)).toEqual([END_MS + 3 * MINUTE_MS, 30]);
    expect(last.get(fleetMember(1).gateway)?.[0]).toBe(END_MS);
    expect(last.size).toBe(GATEWAYS);
  },

  async 'wugan-pipeline 13'(panel) {
    const rows = await sql(queryOf(panel), { ...context(), toMs: END_MS + 24 * HOUR_MS });
    const signals = await running.database.db
      .selectFrom('exposure.signal')
      .select('kind')
      .where('at_ms', '>=', START_MS)
      .execute();
    expect(sum(rows.map((row) => row['value'] as number))).toBe(signals.length);
    expect(rows.map((row) => row['metric'])).toContain('OVER_LIMIT');
  },
};

function queryOf({ targets }: Panel, refId = 'A'): string {
  const target = targets.find((candidate) => candidate.refId === refId);
  const query = target?.query ?? target?.rawSql;
  if (query === undefined) throw new Error(`no query ${refId}`);
  return query;
}

const pairs = (rows: readonly Row[]): unknown[][] =>
  rows.map((row) => [row['metric'], row['value']]).sort();

interface LastResult {
  readonly crew: string;
  readonly factor: string;
  readonly kind: string;
  readonly result: {
    readonly ratio: number | null;
    readonly difference: number | null;
    readonly limit: { readonly unit: string };
  };
}

/** The last revision of each shift of the post that ended in the range. */
async function lastResults(): Promise<LastResult[]> {
  const { rows } = await running.database.pool.query<LastResult & { key: string }>(
    `select result_key as key, crew, factor, limit_kind as kind, result from exposure.window_result
     where post = $1 and shift_end_ms between $2 and $3 order by revision`,
    [POST, context().fromMs, context().toMs],
  );
  return [...new Map(rows.map((row) => [row.key, row])).values()];
}

/** By paper: mean of the minutes of the day shift. */
function meanOfShift(metric: string): number {
  const values = readings(true).flatMap((reading) =>
    reading.metric === metric && reading.at > SHIFT_START_MS && reading.at <= SHIFT_END_MS
      ? [reading.value as number]
      : [],
  );
  expect(values).toHaveLength(480);
  return sum(values) / values.length;
}

describe('every panel', () => {
  const all = dashboards().flatMap((dashboard) =>
    dashboard.panels.map((panel) => [`${dashboard.uid} ${panel.id}`, panel] as const),
  );

  it('has its numbers here', () => {
    expect(all.map(([name]) => name).sort()).toEqual(Object.keys(EXPECTED).sort());
  });

  it.each(all)('%s shows what was sent and judged', async (name, panel) => {
    await EXPECTED[name]?.(panel);
  });

  it.each(all)('%s names the columns that its query gives', async (_, panel) => {
    if (panel.type !== 'table') return;
    const [target] = panel.targets;
    const columns =
      target?.rawSql === undefined
        ? ['Time', 'gateway', 'value']
        : (await running.database.pool.query(substituted(target.rawSql, context()))).fields.map(
            ({ name }) => name,
          );
    const named = panel.fieldConfig.overrides.map(({ matcher }) => matcher.options);
    expect(columns).toEqual(expect.arrayContaining(named));
  });
});

describe('the variables', () => {
  it('offer companies, their posts, and what endangers there', async () => {
    const [exposure] = dashboards();
    const chosen: Record<string, string[]> = {};
    for (const { name, query } of exposure?.templating.list ?? []) {
      const rows = await sql(query, { ...context(), variables: chosen });
      chosen[name] = rows.map((row) => row['__value'] as string);
      if (name === 'post') {
        expect(rows.map((row) => row['__text'])).toEqual(['模拟岗位 1', '模拟岗位 2']);
        chosen[name] = [POST];
      }
    }
    expect(chosen['factor']).toEqual(FACTORS);
  });
});
