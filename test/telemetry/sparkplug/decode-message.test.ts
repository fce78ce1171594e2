import { describe, expect, it } from 'vitest';
import { Batch } from '../../../src/model/batch.ts';
import { decodePayload } from '../../../src/telemetry/decode-payload.ts';
import { decodeMessage } from '../../../src/telemetry/sparkplug/decode-message.ts';
import type { SparkplugMetric } from '../../../src/telemetry/sparkplug/payload.ts';
import type { SparkplugContext } from '../../../src/telemetry/sparkplug/sparkplug-context.ts';
import { writePayload } from '../../../src/telemetry/sparkplug/write-payload.ts';
import { CONTEXT, float, int, T0 } from './messages.ts';

const RECEIVED = T0 + 700;

type Metric = Partial<SparkplugMetric>;

const bytes = (metrics: readonly Metric[], timestampMs: number | null = T0 + 50): Uint8Array =>
  writePayload({ timestampMs, seq: 4, metrics });

function batchOf(metrics: readonly Metric[], context = CONTEXT, sentAtMs?: number | null): Batch {
  const decoded = decodeMessage(bytes(metrics, sentAtMs), context, RECEIVED);
  if (!decoded.ok || decoded.value.kind !== 'batch') throw new Error(JSON.stringify(decoded));
  return decoded.value.batch;
}

const noise = (more: Metric = {}): Metric => ({
  ...{ alias: 7, timestampMs: T0, value: float(83.2) },
  ...more,
});

describe('decodeMessage()', () => {
  it('makes a batch of v1 of what channels are registered for', () => {
    const batch = batchOf([noise(), { name: 'Box/Temp', timestampMs: T0, value: int(-12) }]);
    expect(batch).toEqual({
      ...{ v: 1, gateway: 'gw-1', createdAt: T0 + 50 },
      clock: { source: 'ntp', offsetMs: 0, errMs: 20 },
      meta: { sparkplug: { source: 'Plant/edge-1/dev-a', content: 'values', seq: 4 } },
      frames: [{ device: 'noise-1', at: T0, spanMs: 1_000, values: { laeq: 83.2, temp: -12 } }],
    });
    expect(Batch.safeParse(batch).error).toBeUndefined();
  });

  it('reads a birth by its names, whatever aliases it gives', () => {
    const [frame] = batchOf([noise({ name: 'Noise/LAeq', alias: 99 })]).frames;
    expect(frame?.values).toEqual({ laeq: 83.2 });
  });

  it('finds aliases beyond 2⁵³', () => {
    const [device] = CONTEXT.devices;
    const [metric] = device?.metrics ?? [];
    const context = {
      ...CONTEXT,
      devices: [{ ...device, metrics: [{ ...metric, alias: '18446744073709551615' }] }],
    } as SparkplugContext;
    expect(batchOf([noise({ alias: 2n ** 64n - 1n })], context).frames).toHaveLength(1);
  });

  it.each<[string, Metric, number | null, string | undefined]>([
    ['no quality', {}, 83.2, undefined],
    ['quality 192, good', { quality: 192 }, 83.2, undefined],
    ['quality 0, bad', { quality: 0 }, 83.2, 'D'],
    ['quality 500, stale', { quality: 500 }, 83.2, 'B'],
    ['a quality that there is not', { quality: 64 }, 83.2, 'D'],
    ['is_null', { isNull: true }, null, 'B'],
    ['is_null beside a value', { isNull: true, value: float(0) }, null, 'B'],
    ['no value', { value: null }, null, 'B'],
    ['NaN', { value: float(Number.NaN) }, null, 'D'],
    ['a value of another type', { value: { kind: 'string', value: '83' } }, null, 'D'],
  ])('%s', (_, more, value, flag) => {
    const [frame] = batchOf([noise(more)]).frames;
    expect(frame?.values).toEqual({ laeq: value });
    expect(frame?.flags).toEqual(flag === undefined ? undefined : { laeq: flag });
  });

  it('puts a value on the whole second next to it, and keeps the true time when it is far', () => {
    const frames = (timestampMs: number) => batchOf([noise({ timestampMs })]).frames;
    expect(frames(T0 + 90)).toMatchObject([{ at: T0 }]);
    expect(frames(T0 + 90)[0]).not.toHaveProperty('readAt');
    expect(frames(T0 + 480)).toMatchObject([{ at: T0, readAt: T0 + 480 }]);
    expect(frames(T0 + 500)).toMatchObject([{ at: T0 + 1_000, readAt: T0 + 500 }]);
  });

  it('takes the time of the message for a metric that has none', () => {
    expect(batchOf([noise({ timestampMs: null })], CONTEXT, T0 + 3_000).frames).toMatchObject([
      { at: T0 + 3_000 },
    ]);
  });

  it('keeps what has no time at all for nothing', () => {
    const decoded = decodeMessage(bytes([noise({ timestampMs: null })], null), CONTEXT, RECEIVED);
    expect(decoded).toMatchObject({ ok: true, value: { kind: 'unused' } });
  });

  it('marks historical values, each with its own time', () => {
    const batch = batchOf([
      noise({ timestampMs: T0 - 60_000, isHistorical: true, value: float(81) }),
      noise({ timestampMs: T0 - 59_000, isHistorical: true, value: float(82) }),
      noise(),
    ]);
    expect(batch.meta?.['sparkplug']).toMatchObject({ historical: 2 });
    expect(batch.frames.map(({ at }) => at - T0)).toEqual([-60_000, -59_000, 0]);
  });

  it('keeps two values of one second beside each other', () => {
    const batch = batchOf([noise(), noise({ value: float(90) })]);
    expect(batch.frames.map(({ at, values }) => [at, values])).toEqual([
      [T0, { laeq: 83.2 }],
      [T0, { laeq: 90 }],
    ]);
  });

  it('takes no notice of metrics without a channel', () => {
    const other = { name: 'Node Control/Rebirth', datatype: 11, value: float(1), timestampMs: T0 };
    const decoded = decodeMessage(bytes([other, { alias: 55 }]), CONTEXT, RECEIVED);
    expect(decoded).toMatchObject({ ok: true, value: { kind: 'unused' } });
  });

  it('tells a death as no communication of every channel', () => {
    const context: SparkplugContext = { ...CONTEXT, content: { kind: 'stale', atMs: T0 + 1_400 } };
    const batch = batchOf([{ name: 'bdSeq', datatype: 4, value: int(1) }], context, null);
    expect(batch).toMatchObject({
      createdAt: RECEIVED,
      meta: { sparkplug: { content: 'stale' } },
      frames: [
        {
          ...{ device: 'noise-1', at: T0 + 1_000, spanMs: 1_000 },
          values: { laeq: null, temp: null },
          flags: { laeq: 'B', temp: 'B' },
        },
      ],
    });
    expect(Batch.safeParse(batch).error).toBeUndefined();
  });

  it('refuses more values than a batch may have', () => {
    const metrics = Array.from({ length: 2_001 }, (_, i) => noise({ timestampMs: T0 + i * 1_000 }));
    expect(decodeMessage(bytes(metrics), CONTEXT, RECEIVED)).toMatchObject({ reason: 'oversize' });
  });

  it('is what decodePayload() gives for the dialect, from the context as it is kept', () => {
    const raw = bytes([noise()]);
    const decoded = decodePayload({
      ...{ dialect: 'sparkplug', raw, context: JSON.stringify(CONTEXT), receivedAtMs: RECEIVED },
    });
    expect(decoded).toEqual({ kind: 'batch', batch: batchOf([noise()]), readings: 1 });
  });
});
