import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { encode } from 'iconv-lite';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { runImport } from '../../cli/import.ts';
import { ImportMapping } from '../../src/ingest/file-import/mapping.ts';
import { createBatchPacker } from '../../src/ingest/file-import/pack-batches.ts';
import { type ImportedReading, rowReadings } from '../../src/ingest/file-import/row-readings.ts';
import { DeviceId, GatewayId, MetricName } from '../../src/model/ids.ts';
import { validateBatch } from '../../src/telemetry/validate.ts';
import { createTestDatabase } from '../database/test-database.ts';
import { REGION } from './gateway-client.ts';
import { startTestIngest } from './ingest-fixture.ts';

const WIDE = {
  v: 1,
  gateway: 'gw-1',
  region: REGION,
  time: { column: 'time', format: 'iso', marks: 'end' },
  spanMs: 60_000,
  device: { value: 'noise-01' },
  wide: [{ column: 'LAeq', metric: 'laeq' }],
} as const;
const mapping = (changes: object = {}): ImportMapping =>
  ImportMapping.parse({ ...WIDE, ...changes });
const AT_MS = Date.UTC(2026, 0, 5, 0, 1);

const read = (row: Record<string, string>, changes: object = {}) => {
  const found = rowReadings(row, mapping(changes));
  return found.ok ? found.value : found.faults;
};

describe('rowReadings()', () => {
  it('reads a value with its time', () => {
    const reading = { device: 'noise-01', metric: 'laeq', atMs: AT_MS, value: 83.2, flag: 'N' };
    expect(read({ time: '2026-01-05T08:01:00+08:00', LAeq: '83.2' })).toEqual([reading]);
  });

  it.each([
    ['epoch-s', '1767571260'],
    ['epoch-ms', '1767571260000'],
    ['epoch-ms', '1767571260400'],
    ['local', '2026-01-05 08:01:00'],
    ['local', '2026/1/5 8:01'],
  ])('reads a time written as %s %s', (format, time) => {
    const changes = { time: { column: 'time', format, marks: 'end' } };
    expect(read({ time, LAeq: '1' }, changes)).toMatchObject([{ atMs: AT_MS }]);
  });

  it('puts a time that marks the start at the end of its span', () => {
    const time = { column: 'time', format: 'iso', marks: 'start' };
    const row = { time: '2026-01-05T08:00:00+08:00', LAeq: '1' };
    expect(read(row, { time })).toMatchObject([{ atMs: AT_MS }]);
  });

  it.each(['2026-01-05T08:01:00', '2026-02-30 08:00:00', 'yesterday', ''])(
    'refuses the time %s: it says no instant',
    (time) => {
      expect(read({ time, LAeq: '1' })).toMatchObject([{ column: 'time', found: time }]);
    },
  );

  it('refuses a local day that does not exist', () => {
    const time = { column: 'time', format: 'local', marks: 'end' };
    expect(read({ time: '2026-02-30 08:00:00', LAeq: '1' }, { time })).toMatchObject([
      { column: 'time' },
    ]);
  });

  it('scales a value, and keeps an empty one as null with a flag', () => {
    const wide = [{ column: 'LAeq', metric: 'laeq', scale: 0.1, offset: 1 }];
    const time = '2026-01-05T08:01:00+08:00';
    expect(read({ time, LAeq: '820' }, { wide })).toMatchObject([{ value: 83 }]);
    expect(read({ time, LAeq: 'NA' }, { wide })).toMatchObject([{ value: null, flag: 'B' }]);
  });

  it('takes flags over, maps them, and calls an absent one unflagged', () => {
    const time = '2026-01-05T08:01:00+08:00';
    const flag = { column: 'Q', map: { ok: 'N', cal: 'C' } };
    const wide = [{ column: 'LAeq', metric: 'laeq', flag }];
    expect(read({ time, LAeq: '1', Q: 'cal' }, { wide })).toMatchObject([{ flag: 'C' }]);
    expect(read({ time, LAeq: '1', Q: '' }, { wide })).toMatchObject([{ flag: 'U' }]);
    expect(read({ time, LAeq: '1', Q: 'N' }, { wide })).toMatchObject([{ column: 'Q' }]);
  });

  it('reads the long layout, and names a metric that the mapping lacks', () => {
    const long = {
      metric: { column: 'item', map: { Leq: { metric: 'laeq' } } },
      value: { column: 'v' },
    };
    const changes = { wide: undefined, long, device: { column: 'd' } };
    const row = { time: '2026-01-05T08:01:00+08:00', d: 'noise-02', item: 'Leq', v: '81' };
    expect(read(row, changes)).toMatchObject([{ device: 'noise-02', metric: 'laeq', value: 81 }]);
    expect(read({ ...row, item: 'Lmax' }, changes)).toMatchObject([{ column: 'item' }]);
  });

  it('tells every fault of a row at once', () => {
    expect(read({ time: 'x', LAeq: '8,3' })).toHaveLength(2);
    expect(read({ time: '2026-01-05T08:01:00+08:00' })).toMatchObject([{ found: 'nothing' }]);
  });
});

const someReading: fc.Arbitrary<ImportedReading> = fc.record({
  device: fc.constantFrom('a', 'b').map((id) => DeviceId.parse(id)),
  metric: fc.integer({ min: 0, max: 40 }).map((n) => MetricName.parse(`m${n}`)),
  atMs: fc.integer({ min: 1, max: 500 }).map((n) => n * 1_000),
  value: fc.oneof(fc.double({ noNaN: true, noDefaultInfinity: true }), fc.constant(null)),
  flag: fc.constantFrom('B', 'M', 'D'),
});

describe('createBatchPacker()', () => {
  it('gives each reading in exactly one batch that the hub takes', () => {
    fc.assert(
      fc.property(fc.array(someReading, { minLength: 1, maxLength: 6_000 }), (readings) => {
        const packer = createBatchPacker(GatewayId.parse('gw-1'), 1_000);
        const taken = readings.filter((reading) => packer.add(reading) === 'taken').length;
        const batches = packer.take(true);
        const seen = batches.map((bytes) => {
          const validated = validateBatch(bytes);
          expect(validated.kind).toBe('batch');
          return validated.kind === 'batch' ? validated.readings : 0;
        });
        expect(seen.reduce((a, b) => a + b, 0)).toBe(taken);
      }),
      { numRuns: 30 },
    );
  });
});

describe('wugan import', () => {
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'wugan-import-'));
    vi.spyOn(console, 'log').mockReturnValue();
    vi.spyOn(console, 'error').mockReturnValue();
  });

  afterEach(() => {
    vi.restoreAllMocks();
    rmSync(folder, { recursive: true });
  });

  const write = (name: string, content: string | Buffer): string => {
    const path = join(folder, name);
    writeFileSync(path, content);
    return path;
  };

  const options = (changes: object = {}) => ({
    mapping: write('mapping.yaml', JSON.stringify(WIDE)),
    mqttUrl: 'mqtt://127.0.0.1:1',
    clientId: 'wugan-import',
    dryRun: false,
    skipFaulty: false,
    encoding: 'utf8',
    delimiter: ',',
    faults: 10,
    ...changes,
  });

  const lines = (count: number): string =>
    Array.from({ length: count }, (_, i) => {
      const time = new Date(AT_MS + i * 60_000).toISOString();
      return `${time},${80 + (i % 9)}`;
    }).join('\n');

  it('stores each reading once, however often the file is imported', async () => {
    const database = await createTestDatabase();
    const ingest = await startTestIngest(database, { settings: { bridges: ['wugan-import'] } });
    const path = write('day.csv', `time,LAeq\n${lines(5_000)}\n`);
    const mqttUrl = `mqtt://127.0.0.1:${ingest.port}`;
    expect(await runImport(path, options({ mqttUrl }))).toBe(0);
    expect(ingest.stats()).toMatchObject({ readings: 5_000, deadLetters: 0 });
    expect(await runImport(path, options({ mqttUrl }))).toBe(0);
    expect(ingest.stats()).toMatchObject({ readings: 5_000, conflicts: 0 });
    await ingest.close();
    await database.close();
  });

  it('says what to do when the hub refuses its client', async () => {
    const database = await createTestDatabase();
    const ingest = await startTestIngest(database);
    const path = write('day.csv', `time,LAeq\n${lines(10)}\n`);
    const mqttUrl = `mqtt://127.0.0.1:${ingest.port}`;
    const outcome = runImport(path, options({ mqttUrl }));
    // Refused at the connection or at its first message.
    await expect(outcome).rejects.toThrow(/wugan-import.*ingest\.bridges/);
    expect(ingest.stats().readings).toBe(0);
    await ingest.close();
    await database.close();
  });

  it('sends nothing of a file with faults, and names each', async () => {
    const path = write('day.csv', `time,LAeq\n${lines(3)}\nnoon,1\n2026-01-05T09:00:00Z,loud\n`);
    expect(await runImport(path, options())).toBe(1);
    const told = vi.mocked(console.error).mock.calls.flat().join('\n');
    expect(told).toContain('line 5: time');
    expect(told).toContain('line 6: LAeq');
    expect(told).toContain('Nothing was sent');
  });

  it('names the line from which CSV can not be read, and sends nothing', async () => {
    const path = write('day.csv', `time,LAeq\n${lines(3)}\n2026-01-05T09:00:00Z,8"1\n`);
    const outcome = runImport(path, options({ skipFaulty: true }));
    await expect(outcome).rejects.toThrow(/Cannot use .*day\.csv: .*quote.* line 5/i);
  });

  it('calls two values for one second a fault', async () => {
    const path = write('day.csv', `time,LAeq\n2026-01-05T09:00:00Z,1\n2026-01-05T09:00:00Z,2\n`);
    expect(await runImport(path, options({ dryRun: true }))).toBe(1);
  });

  it('reads NDJSON, and what Chinese instruments export', async () => {
    const ndjson = write('day.ndjson', '{"time":"2026-01-05T09:00:00Z","LAeq":81}\n');
    expect(await runImport(ndjson, options({ dryRun: true }))).toBe(0);
    const own = { ...WIDE, wide: [{ column: '等效声级', metric: 'laeq' }] };
    const gbk = write('day.csv', encode('time;等效声级\n2026-01-05T09:00:00Z;81\n', 'gb18030'));
    const mapped = { mapping: write('own.yaml', JSON.stringify(own)), delimiter: ';' };
    expect(await runImport(gbk, options({ ...mapped, dryRun: true, encoding: 'gb18030' }))).toBe(0);
  });

  it('names a file of another kind, and a mapping that can not work', async () => {
    await expect(runImport(write('a.xlsx', ''), options())).rejects.toThrow('.csv');
    const both = { ...WIDE, long: { metric: { column: 'x', map: {} }, value: { column: 'v' } } };
    const bad = options({ mapping: write('bad.yaml', JSON.stringify(both)) });
    await expect(runImport(write('a.csv', ''), bad)).rejects.toThrow('either wide or long');
  });
});
