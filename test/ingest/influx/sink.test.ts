import { describe, expect, it } from 'vitest';
import type { Dialect, Fault } from './influx-stub.ts';
import {
  appendFact,
  appendRegistry,
  batchOf,
  device,
  letters,
  START_MS,
  seconds,
  useSinkBench,
} from './sink-fixture.ts';

const bench = useSinkBench();

const { start } = bench;

const caughtUp = (): Promise<void> =>
  expect
    .poll(() => bench.sink?.metric('wugan_influx_lag_entries', { source: 'readings' }), {
      timeout: 30_000,
      interval: 10,
    })
    .toBe(0);

/** Points of readings: the sink's own sign of life is none. */
const readings = (): [string, string][] =>
  [...bench.stub.points].filter(([series]) => series.startsWith('wugan_reading'));

const atSecond = (n: number): number => START_MS + n * 1_000;

describe('the lines of readings', () => {
  it('carry the place by the registry, event time and a float', async () => {
    await appendRegistry(bench.journal);
    await bench.journal.append('gw-1', seconds(1, 1));
    start();
    await caughtUp();
    expect(readings()).toEqual([
      [
        'wugan_reading,device=noise-01,enterprise=91330106MA2CFLR43E,factor=noise,flag=N,' +
          'gateway=gw-1,metric=laeq,point=weld-p1,post=weld,region=330106,span=1,unit=dB(A) ' +
          atSecond(1),
        'value=60.5',
      ],
    ]);
  });

  it('have neither place nor factor for a device that nobody registered', async () => {
    await bench.journal.append('gw-1', seconds(1, 1, 'stray'));
    start();
    await caughtUp();
    expect(readings()[0]?.[0]).toBe(
      `wugan_reading,device=stray,flag=N,gateway=gw-1,metric=laeq,span=1 ${atSecond(1)}`,
    );
  });

  it('show what is no proof under its flag, and what is missing as missing', async () => {
    await bench.journal.append(
      'gw-1',
      batchOf('gw-1', {
        device: 'noise-01',
        at: atSecond(1),
        spanMs: 60_000,
        values: { laeq: 130, co: null },
        flags: { laeq: 'T', co: 'B' },
      }),
    );
    start();
    await caughtUp();
    expect(readings()).toEqual([
      [expect.stringContaining('flag=T,gateway=gw-1,metric=laeq,span=60'), 'value=130'],
      [expect.stringContaining('flag=B,gateway=gw-1,metric=co,span=60'), 'missing=1'],
    ]);
  });

  it('put a time that cannot be under the flag clock', async () => {
    const frame = { device: 'noise-01', spanMs: 1_000, values: { laeq: 70 } };
    const in2099 = Date.UTC(2099, 0, 1);
    await bench.journal.append('gw-1', batchOf('gw-1', { ...frame, at: in2099 }));
    await bench.journal.append('gw-1', batchOf('gw-1', { ...frame, at: atSecond(5) }));
    start();
    await caughtUp();
    expect(readings().map(([series]) => series)).toEqual([
      expect.stringMatching(new RegExp(`flag=clock,.* ${in2099}$`)),
      expect.stringMatching(/flag=N,/),
    ]);
  });

  it('keep both contents of a conflict', async () => {
    const keyed = (value: number): Buffer =>
      Buffer.from(
        JSON.stringify({
          ...{ v: 1, gateway: 'gw-1', epoch: '01KAVJ0S80ZR8QH5T3M2N4P6W9', seq: 1 },
          ...{ prev: '0'.repeat(64), createdAt: START_MS },
          frames: [{ device: 'noise-01', at: atSecond(1), spanMs: 1_000, values: { laeq: value } }],
        }),
      );
    await bench.journal.append('gw-1', keyed(70));
    await bench.journal.append('gw-1', keyed(71));
    start();
    await caughtUp();
    expect(readings().map(([, fields]) => fields)).toEqual(['value=70', 'value=71']);
    expect(readings()[1]?.[0]).toMatch(/,conflict=[0-9a-f]{8},/);
  });

  it('follow the registry: as learnt at the entry, by the time of the reading', async () => {
    await appendRegistry(bench.journal);
    await bench.journal.append('gw-1', seconds(1, 1));
    await appendFact(bench.journal, {
      ...{ entity: 'device', id: 'noise-01', validFromMs: atSecond(10) },
      value: device('paint-p1'),
    });
    await bench.journal.append('gw-1', seconds(9, 2));
    // Learnt after those seconds came in: they stay where they were.
    await appendFact(bench.journal, {
      ...{ entity: 'device', id: 'noise-01', validFromMs: atSecond(9) },
      value: device('paint-p1'),
    });
    start();
    await caughtUp();
    expect(readings().map(([series]) => /post=(\w+)/.exec(series)?.[1])).toEqual([
      'weld',
      'weld',
      'paint',
    ]);
  });
});

describe('the cursor', () => {
  it('goes on where it stood, with the registry as it was', async () => {
    await appendRegistry(bench.journal);
    await bench.journal.append('gw-1', seconds(0, 10));
    start();
    await caughtUp();
    await bench.sink?.close();
    await bench.journal.append('gw-1', seconds(10, 10));
    const before = bench.stub.requests.length;
    start();
    await caughtUp();
    expect(readings()).toHaveLength(20);
    expect(readings().every(([series]) => series.includes('post=weld'))).toBe(true);
    const again = bench.stub.requests.slice(before).flatMap(({ lines }) => lines);
    expect(again).toHaveLength(10);
  });

  it('reads blocks when the ring does not reach back, and without a ring', async () => {
    await bench.reopenJournal({ ringEntriesMax: 3 });
    await appendRegistry(bench.journal);
    for (let n = 0; n < 12; n++) await bench.journal.append('gw-1', seconds(n * 5, 5));
    start();
    await caughtUp();
    expect(readings()).toHaveLength(60);
    await bench.sink?.close();
    await bench.database.pool.query(`delete from telemetry.sink_cursor where name like 'influx%'`);
    start({ withRing: false });
    await caughtUp();
    // The same points again: nothing new, nothing overwritten with anything else.
    expect(readings()).toHaveLength(60);
    expect(bench.stub.requests.flatMap(({ lines }) => lines)).toHaveLength(120);
  });

  it('stands at the last entry whose lines are written', async () => {
    await bench.journal.append('gw-1', seconds(0, 5));
    start();
    await caughtUp();
    const { rows } = await bench.database.pool.query<{ pos: number }>(
      `select pos from telemetry.sink_cursor where name = 'influx-readings'`,
    );
    expect(rows).toEqual([{ pos: 1 }]);
  });

  it('begins at the oldest entry when partitions before it are gone, and counts what is lost', async () => {
    await bench.journal.append('gw-1', seconds(0, 5));
    start();
    await caughtUp();
    await bench.sink?.close();
    await bench.journal.append('gw-1', seconds(5, 5));
    await bench.journal.append('gw-1', seconds(10, 5));
    await bench.database.pool.query('delete from telemetry.block where pos_from < 3');
    start({ withRing: false });
    await caughtUp();
    expect(readings()).toHaveLength(10);
    expect(await bench.sink?.metric('wugan_influx_skipped_entries_total')).toBe(1);
  });
});

const say = (status: number, more: object = {}): Fault => ({ do: 'say', status, ...more });
const OUTAGES: Readonly<Record<string, readonly Fault[]>> = {
  '401 unauthorized': [say(401, { body: '{"code":"unauthorized","message":"no"}' })],
  '403 forbidden': [say(403)],
  '404 no such bucket': [say(404, { body: '{"code":"not found","message":"bucket"}' })],
  '429 without Retry-After': [say(429)],
  '429 with Retry-After': [say(429, { headers: { 'retry-after': '0' } })],
  '500 internal error': [say(500), say(500)],
  '502 from a proxy': [say(502, { body: '<html>' })],
  '503 unavailable': [say(503, { headers: { 'retry-after': 'Wed, 21 Oct 2015 07:28:00 GMT' } })],
  'a redirect': [say(302, { headers: { location: '/elsewhere' } })],
  'a hang': [{ do: 'hang' }],
  'a hang half way': [{ do: 'hang-half-way' }],
  'a reset': [{ do: 'reset' }],
  'a reset after the lines were taken': [{ do: 'take-then-reset' }],
  'a 400 that is about no line': [
    say(400, { body: 'The plain HTTP request was sent to HTTPS port' }),
    say(400, { body: 'The plain HTTP request was sent to HTTPS port' }),
  ],
  'everything at once': [
    say(500),
    { do: 'hang' },
    { do: 'take-then-reset' },
    say(429, { headers: { 'retry-after': '0' } }),
    say(401),
    { do: 'reset' },
    say(503),
  ],
};

describe('whatever the server does', () => {
  it.each(Object.entries(OUTAGES))(
    'after %s every line is there, none is refused',
    async (_, faults) => {
      bench.stub.faults.push(...faults);
      await bench.journal.append('gw-1', seconds(0, 30));
      await bench.journal.append('gw-1', seconds(30, 30));
      start({ timeoutMs: 200 });
      await caughtUp();
      expect(bench.stub.faults).toEqual([]);
      expect(readings()).toHaveLength(60);
      const written = { source: 'readings', outcome: 'written' };
      expect(await bench.sink?.metric('wugan_influx_lines_total', written)).toBe(60);
      expect(await letters(bench.database)).toEqual([]);
    },
  );

  it('does not come back before Retry-After has passed', async () => {
    bench.stub.faults.push(say(429, { headers: { 'retry-after': '1' } }));
    await bench.journal.append('gw-1', seconds(0, 1));
    start();
    await caughtUp();
    const [first, second] = bench.stub.requests;
    expect((second?.atMs ?? 0) - (first?.atMs ?? 0)).toBeGreaterThanOrEqual(990);
  });

  it('does not hold up the journal while it hangs, and says how far behind it is', async () => {
    bench.stub.faults.push(...Array.from({ length: 1_000 }, (): Fault => ({ do: 'hang' })));
    start({ timeoutMs: 60_000 });
    for (let n = 0; n < 20; n++) {
      expect(await bench.journal.append('gw-1', seconds(n * 3, 3))).toBe('stored');
    }
    expect(await bench.sink?.metric('wugan_influx_lag_entries')).toBe(20);
    await expect.poll(() => bench.sink?.metric('wugan_influx_lag_seconds')).toBeGreaterThan(0);
    bench.stub.faults.length = 0;
    // A hanging request ends with the sink: the close waits for no time-out.
    await bench.sink?.close();
    start();
    await caughtUp();
    expect(readings()).toHaveLength(60);
  });
});

const DIALECTS: readonly Dialect[] = [
  'v2-malformed',
  'v2-partial',
  'v3-partial',
  'v3-201',
  'v1-partial',
];

describe('a line that the server refuses', () => {
  it.each(DIALECTS)('is put aside with its words (%s); all others are written', async (dialect) => {
    bench.stub.dialect = dialect;
    bench.stub.wrong = (line) => (/ value=(63|71\.5) /.test(line) ? 'as scripted' : undefined);
    await bench.journal.append('gw-1', seconds(0, 40));
    start();
    await caughtUp();
    expect(readings()).toHaveLength(38);
    const kept = await letters(bench.database);
    expect(kept.map(({ raw }) => raw.toString()).sort()).toEqual([
      expect.stringContaining(' value=63 '),
      expect.stringContaining(' value=71.5 '),
    ]);
    for (const letter of kept) {
      expect(letter).toMatchObject({
        ...{ source: 'influx', topic: 'influx/readings', reason: 'sink-refused' },
        detail: expect.stringContaining('as scripted'),
      });
    }
    const counted = (outcome: string) =>
      bench.sink?.metric('wugan_influx_lines_total', { source: 'readings', outcome });
    expect([await counted('written'), await counted('quarantined')]).toEqual([38, 2]);
  });

  it.each(DIALECTS)('is put aside when no line of the batch is right (%s)', async (dialect) => {
    bench.stub.dialect = dialect;
    bench.stub.wrong = (line) => (line.startsWith('wugan_reading') ? 'too old' : undefined);
    await bench.journal.append('gw-1', seconds(0, 9));
    start();
    await caughtUp();
    const lines = (await letters(bench.database)).flatMap(({ raw }) => raw.toString().split('\n'));
    expect(lines).toHaveLength(9);
    bench.stub.wrong = () => undefined;
    await bench.journal.append('gw-1', seconds(9, 9));
    await expect.poll(readings, { timeout: 30_000 }).toHaveLength(9);
  });

  it('is believed to be wrong only after it was refused alone', async () => {
    bench.stub.dialect = 'v3-partial';
    // A server that counts from elsewhere names the wrong ones.
    const named = (n: number) => ({ data: [{ line_number: n, error_message: 'no' }] });
    bench.stub.faults.push(say(400, { body: JSON.stringify(named(3)) }));
    await bench.journal.append('gw-1', seconds(0, 10));
    start();
    await caughtUp();
    expect(readings()).toHaveLength(10);
    expect(await letters(bench.database)).toEqual([]);
  });

  it('is kept once, however often it comes', async () => {
    bench.stub.wrong = (line) => (line.includes('value=63 ') ? 'as scripted' : undefined);
    await bench.journal.append('gw-1', seconds(0, 20));
    for (let n = 0; n < 2; n++) {
      await bench.database.pool.query(
        `delete from telemetry.sink_cursor where name like 'influx%'`,
      );
      start();
      await caughtUp();
      await bench.sink?.close();
    }
    expect(await letters(bench.database)).toHaveLength(1);
  });
});

describe('a batch', () => {
  it('is divided when the server says that it is too large', async () => {
    bench.stub.linesMax = 7;
    await bench.journal.append('gw-1', seconds(0, 100));
    start();
    await caughtUp();
    expect(readings()).toHaveLength(100);
    expect(await letters(bench.database)).toEqual([]);
  });

  it('holds about as many lines as it may, compressed, in one request at a time', async () => {
    for (let n = 0; n < 10; n++) await bench.journal.append('gw-1', seconds(n * 30, 30));
    start({ linesMax: 100 });
    await caughtUp();
    expect(bench.stub.requests.map(({ lines }) => lines.length)).toEqual([120, 120, 60]);
    expect(bench.stub.requests[0]?.path).toBe('/api/v2/write?org=wugan&bucket=wugan&precision=ms');
  });

  it('carries the token', async () => {
    await bench.journal.append('gw-1', seconds(0, 1));
    start({ token: 'secret' });
    await caughtUp();
    expect(bench.stub.requests[0]?.authorization).toBe('Token secret');
  });

  it('goes to /write with user and password where the server is of version 1', async () => {
    await bench.journal.append('gw-1', seconds(0, 1));
    start({ api: 'v1', token: 'user:password', bucket: 'plant' });
    await caughtUp();
    expect(bench.stub.requests[0]).toMatchObject({
      path: '/write?db=plant&precision=ms',
      authorization: `Basic ${Buffer.from('user:password').toString('base64')}`,
    });
  });
});
