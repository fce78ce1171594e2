import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../database/test-database.ts';
import { openJournal, type TestJournal } from '../journal-fixture.ts';
import {
  appendRegistry,
  batchOf,
  letters,
  START_MS,
  seconds,
  startTestSink,
  type TestSink,
} from './sink-fixture.ts';
import {
  exportSeries,
  influxQl,
  startInfluxd1,
  startVictoriaMetrics,
  type TimeSeriesServer,
} from './time-series-servers.ts';

let database: TestDatabase;
let journal: TestJournal;
let sink: TestSink;

beforeEach(async () => {
  database = await createTestDatabase();
  journal = await openJournal(database);
});
afterEach(async () => {
  await sink.close();
  await journal.writer.close();
  await database.close();
});

const caughtUp = (): Promise<void> =>
  expect
    .poll(() => sink.metric('wugan_influx_lag_entries'), { timeout: 60_000, interval: 20 })
    .toBe(0);

/** Fifty seconds of a device in each of `count` batches, and one value of each kind of badness. */
async function appendReadings(count: number): Promise<void> {
  for (let n = 0; n < count; n++) await journal.append('gw-1', seconds(n * 50, 50));
  const frame = { device: 'noise-01', spanMs: 1_000 };
  await journal.append(
    'gw-1',
    batchOf(
      'gw-1',
      { ...frame, at: START_MS + 1_000, values: { co: null }, flags: { co: 'B' } },
      { ...frame, at: START_MS + 2_000, values: { co: 7 }, flags: { co: 'M' } },
    ),
  );
}

describe('VictoriaMetrics', () => {
  let server: TimeSeriesServer;
  beforeAll(async () => {
    server = await startVictoriaMetrics();
  });
  afterAll(() => server.close());

  it('has every reading once, whatever was written twice, also when it was killed meanwhile', async () => {
    await appendRegistry(journal);
    sink = startTestSink(database, journal, { url: server.url, linesMax: 100 });
    await appendReadings(4);
    await caughtUp();
    await server.kill();
    await journal.append('gw-1', seconds(200, 50));
    await journal.append('gw-1', seconds(250, 50));
    await server.start();
    await caughtUp();
    await sink.close();
    // All of it again.
    await database.pool.query(`delete from telemetry.sink_cursor where name like 'influx%'`);
    sink = startTestSink(database, journal, { url: server.url, linesMax: 1_000 });
    await caughtUp();
    const written = await exportSeries(server.url, '{__name__=~"wugan_reading_.*"}');
    const laeq = written.find(({ metric }) => metric['metric'] === 'laeq');
    expect(laeq?.metric).toMatchObject({
      ...{ __name__: 'wugan_reading_value', post: 'weld', region: '330106', factor: 'noise' },
      ...{ device: 'noise-01', gateway: 'gw-1', flag: 'N', span: '1', unit: 'dB(A)' },
    });
    const samples = new Map(laeq?.timestamps.map((at, i) => [at, laeq.values[i]]));
    expect([...samples].sort(([a], [b]) => a - b)).toEqual(
      Array.from({ length: 300 }, (_, n) => [START_MS + n * 1_000, 60 + (n % 40) / 2]),
    );
    const bad = written
      .filter(({ metric }) => metric['metric'] === 'co')
      .map(({ metric, values }) => [metric['__name__'], metric['flag'], values[0]]);
    expect(bad.sort()).toEqual([
      ['wugan_reading_missing', 'B', 1],
      ['wugan_reading_value', 'M', 7],
    ]);
  });
});

describe('InfluxDB 1.6', () => {
  let server: TimeSeriesServer;
  beforeAll(async () => {
    server = await startInfluxd1();
  });
  afterAll(() => server.close());
  const start = (settings: object = {}): void => {
    sink = startTestSink(database, journal, {
      ...{ url: server.url, api: 'v1', bucket: 'wugan', linesMax: 100, ...settings },
    });
  };

  it('waits for a database that is not there yet; then every reading is there once', async () => {
    await appendRegistry(journal);
    start();
    await appendReadings(4);
    // 404 database not found: no line is to blame.
    await expect
      .poll(() => sink.metric('wugan_influx_request_seconds', { outcome: 'wait' }))
      .toBeGreaterThan(0);
    await influxQl(server.url, 'create database wugan');
    await caughtUp();
    const [count] = await influxQl(
      server.url,
      `select count(value) from wugan_reading where metric = 'laeq' and flag = 'N' group by post`,
      'wugan',
    );
    expect(count).toMatchObject({ tags: { post: 'weld' }, values: [[0, 200]] });
    const bad = await influxQl(
      server.url,
      `select count(value), count(missing) from wugan_reading where metric = 'co' group by flag`,
      'wugan',
    );
    expect(bad.map(({ tags, values }) => [tags?.['flag'], ...(values[0] ?? []).slice(1)])).toEqual([
      ['B', null, 1],
      ['M', 1, null],
    ]);
    expect(await letters(database)).toEqual([]);
  });

  it('says which lines it drops: too old for its retention; the rest is written', async () => {
    await influxQl(server.url, 'create database short with duration 1h shard duration 1h');
    const frame = { device: 'noise-01', spanMs: 1_000, values: { laeq: 70 } };
    const old = START_MS - 30 * 86_400_000;
    await journal.append('gw-1', batchOf('gw-1', { ...frame, at: old }));
    await journal.append('gw-1', seconds(0, 20));
    start({ bucket: 'short' });
    await caughtUp();
    const [count] = await influxQl(server.url, 'select count(value) from wugan_reading', 'short');
    expect(count?.values[0]?.[1]).toBe(20);
    expect(await letters(database)).toMatchObject([
      { detail: expect.stringContaining('retention policy'), raw: expect.any(Buffer) },
    ]);
  });

  it('puts a line aside whose field is of another type there; the rest is written', async () => {
    await influxQl(server.url, 'create database other');
    await fetch(`${server.url}/write?db=other&precision=ms`, {
      method: 'POST',
      body: `wugan_reading,x=y missing="text" ${START_MS}`,
    });
    start({ bucket: 'other' });
    await appendReadings(1);
    await caughtUp();
    const [count] = await influxQl(server.url, 'select count(value) from wugan_reading', 'other');
    expect(count?.values[0]?.[1]).toBe(51);
    expect(await letters(database)).toMatchObject([
      { detail: expect.stringContaining('field type conflict') },
    ]);
  });
});
