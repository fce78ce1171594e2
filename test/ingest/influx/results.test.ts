import { beforeEach, describe, expect, it } from 'vitest';
import { projectFact } from '../../../src/devices/projection.ts';
import { refillInflux } from '../../../src/ingest/influx/refill.ts';
import { influxSettings } from '../../../src/ingest/influx/settings.ts';
import { storeOutputs } from '../../../src/ingest/store-outputs.ts';
import type { EngineOutput, ShiftResult } from '../../../src/model/exposure.ts';
import { resultOf, subjectOf } from '../../api/rows.ts';
import { silentLog } from '../../database/test-database.ts';
import { readEntries } from '../journal-rows.ts';
import {
  appendFact,
  appendRegistry,
  device,
  START_MS,
  seconds,
  useSinkBench,
} from './sink-fixture.ts';

const bench = useSinkBench();
beforeEach(() => appendRegistry(bench.journal));

const cell = (minute: number, mean: number | null): EngineOutput =>
  ({
    kind: 'cell',
    cell: {
      channel: { device: 'noise-01', metric: 'laeq' },
      minuteMs: START_MS + minute * 60_000,
      unit: 'dB(A)',
      mean,
      max: mean === null ? null : mean + 5,
      coveredSeconds: mean === null ? 0 : 60,
      excludedSeconds: mean === null ? 60 : 0,
    },
  }) as EngineOutput;

const result = (changes: Partial<ShiftResult>): EngineOutput => ({
  kind: 'result',
  result: resultOf(changes),
});

/** What the evaluator commits: projected facts, outputs and its cursor, up to the journal's head. */
async function evaluate(...outputs: readonly EngineOutput[]): Promise<number> {
  const pos = bench.journal.writer.pos();
  const entries = await readEntries(bench.database.pool);
  await bench.database.db.transaction().execute(async (tx) => {
    for (const entry of entries) {
      if (entry.kind === 'fact') {
        await projectFact(tx, { shard: 'main', pos: entry.pos }, entry.fact);
      }
    }
    await storeOutputs(tx, 'main', [
      { pos, receivedAtMs: Date.now(), kind: 'tick', fact: null, outputs },
    ]);
    await tx
      .insertInto('telemetry.sink_cursor')
      .values({ shard: 'main', name: 'evaluator', pos })
      .onConflict((conflict) => conflict.columns(['shard', 'name']).doUpdateSet({ pos }))
      .execute();
  });
  return pos;
}

const { start } = bench;

const points = (measurement: string): [string, string][] =>
  [...bench.stub.points].filter(([series]) => series.startsWith(`${measurement},`));

const written = (pos: number): Promise<void> =>
  expect
    .poll(
      async () =>
        (
          await bench.database.pool.query<{ pos: number }>(
            `select pos from telemetry.sink_cursor where name = 'influx-results'`,
          )
        ).rows[0]?.pos,
      { timeout: 30_000, interval: 20 },
    )
    .toBe(pos);

describe('minute cells', () => {
  it('are a point a minute, with place, unit and coverage', async () => {
    const pos = await evaluate(cell(0, 71.5), cell(1, null));
    start();
    await written(pos);
    const tags =
      'device=noise-01,enterprise=91330106MA2CFLR43E,factor=noise,metric=laeq,' +
      'point=weld-p1,post=weld,region=330106,unit=dB(A)';
    expect(points('wugan_minute')).toEqual([
      [`wugan_minute,${tags} ${START_MS}`, 'mean=71.5,max=76.5,covered_s=60,excluded_s=0'],
      [`wugan_minute,${tags} ${START_MS + 60_000}`, 'covered_s=0,excluded_s=60'],
    ]);
  });

  it('are written again when late data change them, and only those', async () => {
    const first = await evaluate(cell(0, 70), cell(1, 71));
    start();
    await written(first);
    const before = bench.stub.requests.length;
    await bench.journal.append('gw-1', seconds(0, 1));
    const second = await evaluate(cell(1, 72));
    await written(second);
    const lines = bench.stub.requests
      .slice(before)
      .flatMap((request) => request.lines)
      .filter((line) => line.startsWith('wugan_minute'));
    expect(lines).toEqual([expect.stringContaining('mean=72,')]);
  });

  it('are all there when one entry gives more than a request holds', async () => {
    const pos = await evaluate(...Array.from({ length: 57 }, (_, n) => cell(n, 60 + n)));
    start({ linesMax: 10 });
    await written(pos);
    expect(points('wugan_minute')).toHaveLength(57);
  });

  it('stand where the registry of their entry has the device', async () => {
    const first = await evaluate(cell(0, 70));
    start();
    await written(first);
    await appendFact(bench.journal, {
      ...{ entity: 'device', id: 'noise-01', validFromMs: START_MS + 60_000 },
      value: device('paint-p1'),
    });
    const second = await evaluate(cell(1, 71));
    await written(second);
    expect(points('wugan_minute').map(([series]) => /post=(\w+)/.exec(series)?.[1])).toEqual([
      'weld',
      'paint',
    ]);
  });
});

describe('results', () => {
  it('are a point a revision, at the end of the shift', async () => {
    const first = await evaluate(result({ verdict: 'indeterminate', ratio: null }));
    start();
    await written(first);
    await bench.journal.append('gw-1', seconds(0, 1));
    const second = await evaluate(
      result({ revision: 2, verdict: 'exceeded', inputHash: 'b', ratio: 1.25 }),
    );
    await written(second);
    const { shift } = subjectOf();
    const all = points('wugan_result');
    expect(all.map(([series]) => series)).toEqual([
      expect.stringMatching(new RegExp(`,revision=1,.*,verdict=indeterminate ${shift.endMs}$`)),
      expect.stringMatching(new RegExp(`,revision=2,.*,verdict=exceeded ${shift.endMs}$`)),
    ]);
    expect(all[1]?.[1]).toBe(
      'lower_bound=24,estimate=24.5,uncertainty=1.2,limit=30,ratio=1.25,coverage=0.98,contact_minutes=480',
    );
  });
});

describe('refillInflux()', () => {
  const refill = (fromMs: number, untilMs: number, signal = new AbortController().signal) => {
    const shares: number[] = [];
    const settings = influxSettings.parse({
      ...{ linesMax: 20, retry: { backoffMsMin: 5, backoffMsMax: 20 } },
    });
    return refillInflux(
      { ...settings, url: bench.stub.url },
      {
        ...{ pool: bench.database.pool, shard: 'main', period: { fromMs, untilMs }, signal },
        bounds: { aheadMsMax: 120_000, ageMsMax: 400 * 86_400_000 },
        log: silentLog,
        onProgress: (share) => shares.push(share),
      },
    ).then((report) => ({ report, shares }));
  };

  /** A device that moved, readings before and after, cells and a result. */
  async function fill(): Promise<number> {
    await bench.journal.append('gw-1', seconds(0, 60));
    await appendFact(bench.journal, {
      ...{ entity: 'device', id: 'noise-01', validFromMs: START_MS + 90_000 },
      value: device('paint-p1'),
    });
    for (let n = 1; n < 5; n++) await bench.journal.append('gw-1', seconds(n * 60, 60));
    const subject = subjectOf();
    const shift = { ...subject.shift, endMs: START_MS + 120_000 };
    return evaluate(
      ...Array.from({ length: 5 }, (_, n) => cell(n, 60 + n)),
      result({ subject: { ...subject, shift } }),
    );
  }

  it('gives the points that the sink gave, also behind a server that fails now and then', async () => {
    const pos = await fill();
    start();
    await written(pos);
    await expect.poll(() => points('wugan_reading')).toHaveLength(300);
    await bench.sink?.close();
    const bySink = new Map(bench.stub.points);
    (bench.stub.points as Map<string, string>).clear();
    bench.stub.faults.push({ do: 'say', status: 503 }, { do: 'take-then-reset' });
    const { report, shares } = await refill(START_MS, START_MS + 3_600_000);
    expect(report).toEqual({ written: 306, quarantined: 0, isWhole: true });
    expect([...bench.stub.points].sort()).toEqual([...bySink].sort());
    expect(shares).toEqual([...shares].sort((a, b) => a - b));
    expect(shares.at(-1)).toBe(1);
  });

  it('keeps to the period: from inclusive, until exclusive', async () => {
    await fill();
    await refill(START_MS + 60_000, START_MS + 120_000);
    const times = (measurement: string) =>
      points(measurement).map(([series]) => Number(series.split(' ').at(-1)) - START_MS);
    expect(times('wugan_reading')).toEqual(
      Array.from({ length: 60 }, (_, n) => 60_000 + n * 1_000),
    );
    expect(times('wugan_minute')).toEqual([60_000]);
    expect(times('wugan_result')).toEqual([]);
  });

  it('counts what the server refuses', async () => {
    await fill();
    bench.stub.wrong = (line) => (line.includes('value=63 ') ? 'as scripted' : undefined);
    const { report } = await refill(START_MS, START_MS + 60_000);
    expect(report).toEqual({ written: 59, quarantined: 2, isWhole: true });
  });

  it('ends at once when it is told to, and says that it is not whole', async () => {
    await fill();
    bench.stub.faults.push({ do: 'hang' });
    const stop = new AbortController();
    const refilling = refill(START_MS, START_MS + 60_000, stop.signal);
    await expect.poll(() => bench.stub.requests.length).toBe(1);
    stop.abort();
    expect((await refilling).report).toEqual({ written: 0, quarantined: 0, isWhole: false });
  });
});
