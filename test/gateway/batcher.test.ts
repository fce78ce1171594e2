import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type BatchPlan, createBatcher } from '../../src/gateway/batcher.ts';
import type { BatchToSpool, EpochReason, StagedFrame } from '../../src/gateway/spool.ts';
import { BATCH_BYTES_MAX, BATCH_VALUES_MAX, Batch, type Frame } from '../../src/model/batch.ts';
import { DeviceId, GatewayId, MetricName, ZERO_HASH } from '../../src/model/ids.ts';
import { createLogger } from '../../src/process/log.ts';

const T = 1_763_794_800_000;
const epoch = '01ARZ3NDEKTSV4RRFFQ69G5FAV';

function frame(at: number, values: number, name = 'm'): Frame {
  const entries = Array.from({ length: values }, (_, i) => [`${name}${i}`, 12.5] as const);
  return {
    device: DeviceId.parse(`dev-${at % 3}`),
    at: T + at * 1_000,
    spanMs: 1_000,
    values: Object.fromEntries(entries),
  };
}

const planOf = (framesMax: number, spare: readonly string[] = []): BatchPlan => ({
  header: {
    gateway: GatewayId.parse('gw-test'),
    meta: { build: 'test' },
  },
  framesMax,
  spare: new Map(
    [0, 1, 2].map((i) => [
      DeviceId.parse(`dev-${i}`),
      new Set(spare.map((metric) => MetricName.parse(metric))),
    ]),
  ),
  spareMaxAgeMs: 30_000,
});

function batching(framesMax: number, spare: string[] = [], staged: StagedFrame[] = []) {
  const payloads: Uint8Array[] = [];
  const positions: (readonly (readonly [string, number])[])[] = [];
  const epochs: EpochReason[] = [];
  const disk = { isFull: false };
  const time = { nowMs: T };
  const batcher = createBatcher({
    plan: planOf(framesMax, spare),
    spool: {
      staged: () => [...staged],
      openEpoch: (reason) => epochs.push(reason),
      append(batch: BatchToSpool) {
        if (disk.isFull) throw new Error('database or disk is full');
        if (batch.encode !== null) {
          payloads.push(batch.encode({ epoch, seq: payloads.length + 1, prev: ZERO_HASH }));
        }
        if (batch.isOfStaged) staged.length = 0;
        staged.push(...(batch.staged ?? []));
        positions.push([...batch.positions]);
      },
    },
    now: () => time.nowMs,
    clockState: () => ({ source: 'ntp', errMs: 20, offsetMs: 0 }),
    log: createLogger('test', 'silent'),
    onSpooled: () => undefined,
  });
  const batches = (): Batch[] =>
    payloads.map((payload) => Batch.parse(JSON.parse(Buffer.from(payload).toString())));
  return { batcher, payloads, batches, positions, epochs, disk, time, staged };
}

describe('the batcher', () => {
  it('makes batches that the contract accepts, within every bound, of all frames in order', () => {
    const counts = fc.array(fc.integer({ min: 1, max: 500 }), { minLength: 1, maxLength: 60 });
    fc.assert(
      fc.property(counts, fc.constantFrom(3, 200), (valueCounts, framesMax) => {
        const { batcher, payloads, batches } = batching(framesMax);
        const name = 'a-long-metric-name-'.padEnd(60, 'x');
        const frames = valueCounts.map((values, i) => frame(i, values, name));
        for (const f of frames) batcher.add(f);
        batcher.flush();
        expect(batches().flatMap((batch) => batch.frames)).toEqual(frames);
        for (const [i, batch] of batches().entries()) {
          expect(payloads[i]!.byteLength).toBeLessThanOrEqual(BATCH_BYTES_MAX);
          expect(batch.frames.length).toBeLessThanOrEqual(framesMax);
          const values = batch.frames.reduce((n, f) => n + Object.keys(f.values).length, 0);
          expect(values).toBeLessThanOrEqual(BATCH_VALUES_MAX);
        }
      }),
      { numRuns: 30 },
    );
  });

  it('makes no empty batch', () => {
    const { batcher, payloads } = batching(10);
    batcher.flush();
    expect(payloads).toEqual([]);
  });

  it('tells the spool the last time of each device', () => {
    const { batcher, positions } = batching(10);
    for (const at of [0, 1, 3]) batcher.add(frame(at, 1));
    batcher.flush();
    expect(positions).toEqual([
      [
        ['dev-0', T + 3_000],
        ['dev-1', T + 1_000],
      ],
    ]);
  });

  it('keeps frames while the disk is full, and writes them when it is not', () => {
    const { batcher, batches, disk } = batching(2);
    disk.isFull = true;
    const frames = Array.from({ length: 7 }, (_, i) => frame(i, 1));
    for (const f of frames) batcher.add(f);
    batcher.flush();
    expect(batches()).toEqual([]);
    disk.isFull = false;
    batcher.flush();
    expect(batches().map((batch) => batch.frames.length)).toEqual([2, 2, 2, 1]);
    expect(batches().flatMap((batch) => batch.frames)).toEqual(frames);
  });

  it('loses the oldest frames, counted, when the disk stays full', () => {
    const { batcher, batches, disk } = batching(2_000);
    disk.isFull = true;
    for (let i = 0; i < 20_005; i += 1) batcher.add(frame(i, 1));
    expect(batcher.counters()).toEqual({ values: 20_005, framesLost: 5 });
    disk.isFull = false;
    batcher.flush();
    expect(batches()[0]!.frames[0]!.at).toBe(T + 5_000);
  });

  it('puts what is open into the running epoch before it starts another', () => {
    const { batcher, batches, epochs } = batching(10);
    batcher.add(frame(0, 1));
    batcher.startEpoch('clock-step');
    expect([batches().length, epochs]).toEqual([1, []]);
    batcher.add(frame(1, 1));
    batcher.flush();
    expect([batches().length, epochs]).toEqual([2, ['clock-step']]);
  });

  describe('with metrics that feed no rule', () => {
    const mixed = (at: number): Frame => ({
      ...frame(0, 0),
      at: T + at * 1_000,
      values: { co: 3.5, temp: at } as Frame['values'],
      flags: { temp: 'M' } as Frame['flags'],
    });
    const valuesOf = (batches: readonly Batch[]) =>
      batches.map((batch) => batch.frames.map(({ values, flags }) => ({ values, flags })));

    it('stages them with their second and makes a batch of them after the set time', () => {
      const { batcher, batches, staged, positions, time } = batching(100, ['temp']);
      for (const at of [1, 2]) {
        batcher.add(mixed(at));
        time.nowMs = T + (at - 1) * 30_000;
        batcher.flush();
        expect(staged).toHaveLength(at === 1 ? 1 : 0);
      }
      const main = [{ values: { co: 3.5 }, flags: undefined }];
      const spare = [1, 2].map((temp) => ({ values: { temp }, flags: { temp: 'M' } }));
      expect(valuesOf(batches())).toEqual([main, main, spare]);
      expect(positions).toEqual([[['dev-0', T + 1_000]], [['dev-0', T + 2_000]], []]);
    });

    it('keeps every value exactly once, within every bound, in any order of adds and flushes', () => {
      const names = Array.from({ length: 40 }, (_, i) => `m${i}`);
      const step = fc.oneof(fc.integer({ min: 1, max: 40 }), fc.constant('flush' as const));
      fc.assert(
        fc.property(fc.array(step, { maxLength: 60 }), fc.subarray(names), (steps, spare) => {
          const { batcher, batches, time } = batching(7, spare);
          const sent: string[] = [];
          for (const [i, what] of steps.entries()) {
            time.nowMs = T + i * 10_000;
            if (what === 'flush') batcher.flush();
            else batcher.add(frame(i, what));
            if (what === 'flush') continue;
            for (const metric of names.slice(0, what)) sent.push(`${i} ${metric}`);
          }
          batcher.follow(planOf(7));
          const kept = batches().flatMap(({ frames }) =>
            frames.flatMap(({ at, values }) =>
              Object.keys(values).map((metric) => `${(at - T) / 1_000} ${metric}`),
            ),
          );
          expect(kept.sort()).toEqual(sent.sort());
          for (const { frames } of batches()) expect(frames.length).toBeLessThanOrEqual(7);
        }),
        { numRuns: 100 },
      );
    });

    it('goes on with what an earlier process staged', () => {
      const text = { frame: JSON.stringify(mixed(7)), valueCount: 1 };
      const { batcher, batches } = batching(100, ['temp'], [text]);
      batcher.startEpoch('clock-step');
      expect(batches()).toHaveLength(1);
      expect(batches()[0]!.frames).toEqual([mixed(7)]);
    });
  });

  it('follows another plan from the next frame on: what waits goes by the old one', () => {
    const { batcher, batches } = batching(100);
    batcher.add(frame(0, 1));
    const plan = planOf(100);
    const meta = { build: 'test', template: 'co@2#0123456789abcdef' };
    batcher.follow({ ...plan, header: { ...plan.header, meta } });
    batcher.add(frame(1, 1));
    batcher.flush();
    expect(batches().map((batch) => batch.meta?.template)).toEqual([undefined, meta.template]);
  });
});
