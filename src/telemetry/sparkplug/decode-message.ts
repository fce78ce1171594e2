import { BATCH_VALUES_MAX, type Batch, type Frame } from '../../model/batch.ts';
import type { Flag } from '../../model/flags.ts';
import type { DeviceId, MetricName } from '../../model/ids.ts';
import { fail, ok, type Result } from '../../model/result.ts';
import { numberOf } from './datatypes.ts';
import type { SparkplugMetric } from './payload.ts';
import { readPayload } from './read-payload.ts';
import type { SparkplugChannel, SparkplugChannels, SparkplugContext } from './sparkplug-context.ts';

/** What a message holds: a batch, or nothing that a channel is registered for. */
export type DecodedMessage =
  | { readonly kind: 'batch'; readonly batch: Batch; readonly readings: number }
  | { readonly kind: 'unused' };

const SECOND_MS = 1_000;
/** The grid hides more than this; the true time is kept then (design of the frame). */
const READ_AT_MS = 100;
/** Values of the property `Quality` (tck-id-payloads-propertyset-quality-value-value). */
const GOOD = 192;
const STALE = 500;
/** UTC ms that a date can have. */
const TIME_MS_MAX = 8.64e15;

/**
 * One message of a registered edge node → the batch that it stands for. Pure: the same bytes with the same
 * context give the same batch. Never throws on what an edge node sent.
 */
export function decodeMessage(
  raw: Uint8Array,
  context: SparkplugContext,
  receivedAtMs: number,
): Result<DecodedMessage, 'oversize' | 'sparkplug-malformed'> {
  const payload = readPayload(raw);
  if (!payload.ok) return payload;
  const { timestampMs, seq, metrics } = payload.value;
  const { content } = context;
  const read =
    content.kind === 'stale'
      ? staleFrames(context, content.atMs)
      : valueFrames(metrics, timestampMs, context);
  if (read.readings > BATCH_VALUES_MAX) {
    return fail('oversize', `${read.readings} values of channels, at most ${BATCH_VALUES_MAX}`);
  }
  if (read.readings === 0) return ok({ kind: 'unused' });
  const { errMs, source } = context.clock;
  const batch: Batch = {
    v: 1,
    gateway: context.gateway,
    createdAt: timeOf(timestampMs) ?? receivedAtMs,
    clock: { source, offsetMs: 0, errMs },
    meta: {
      sparkplug: {
        source: context.source,
        content: content.kind,
        seq,
        ...(read.historical === 0 ? {} : { historical: read.historical }),
      },
    },
    frames: read.frames,
  };
  return ok({ kind: 'batch', batch, readings: read.readings });
}

interface Read {
  readonly frames: Frame[];
  readonly readings: number;
  /** Of them, values of earlier than the present state. */
  readonly historical: number;
}

const timeOf = (ms: number | null): number | null => (ms !== null && ms <= TIME_MS_MAX ? ms : null);

const onGrid = (ms: number): number => Math.round(ms / SECOND_MS) * SECOND_MS;

/** No value at `atMs`, of any channel: shown as no communication, counted as nothing. */
function staleFrames({ devices }: SparkplugContext, atMs: number): Read {
  const frames = devices.map(({ device, spanS, metrics }): Frame => {
    const names = metrics.map(({ metric }) => metric);
    return {
      ...{ device, at: onGrid(atMs), spanMs: spanS * SECOND_MS },
      values: Object.fromEntries(names.map((name) => [name, null])),
      flags: Object.fromEntries(names.map((name) => [name, 'B' as const])),
    };
  });
  const readings = frames.reduce((sum, { values }) => sum + Object.keys(values).length, 0);
  return { frames, readings, historical: 0 };
}

function valueFrames(
  metrics: readonly SparkplugMetric[],
  sentAtMs: number | null,
  { devices }: SparkplugContext,
): Read {
  const find = channelsOf(devices);
  const frames = createFrames();
  let readings = 0;
  let historical = 0;
  for (const metric of metrics) {
    const atMs = timeOf(metric.timestampMs ?? sentAtMs);
    const found = find(metric);
    if (found === undefined || atMs === null) continue;
    const { value, flag } = readingOf(metric, found.channel.datatype);
    frames.put(found.device, found.channel.metric, atMs, value, flag);
    readings += 1;
    if (metric.isHistorical) historical += 1;
  }
  return { frames: frames.all(), readings, historical };
}

interface FoundChannel {
  readonly device: Pick<SparkplugChannels, 'device' | 'spanS'>;
  readonly channel: SparkplugChannel;
}

/** Finds the channel of a metric: by its name where it has one, as births do, else by its alias. */
function channelsOf(
  devices: readonly SparkplugChannels[],
): (metric: SparkplugMetric) => FoundChannel | undefined {
  const byName = new Map<string, FoundChannel>();
  const byAlias = new Map<string, FoundChannel>();
  for (const device of devices) {
    for (const channel of device.metrics) {
      byName.set(channel.name, { device, channel });
      if (channel.alias !== null) byAlias.set(channel.alias, { device, channel });
    }
  }
  return ({ name, alias }) => {
    if (name !== null && name !== '') return byName.get(name);
    return alias === null ? undefined : byAlias.get(alias.toString());
  };
}

/** A value and its flag; absent quality is good, anything but 192 and absent is never proof. */
function readingOf(
  { isNull, value, quality }: SparkplugMetric,
  datatype: number,
): { value: number | null; flag: Flag } {
  if (isNull || value === null) return { value: null, flag: 'B' };
  const number = numberOf(value, datatype);
  if (number === null) return { value: null, flag: 'D' };
  if (quality === null || quality === GOOD) return { value: number, flag: 'N' };
  return { value: number, flag: quality === STALE ? 'B' : 'D' };
}

interface OpenFrame extends Frame {
  values: Record<MetricName, number | null>;
  flags?: Record<MetricName, Flag>;
}

/**
 * Gathers values of one device and time into frames. A second value of one metric in the same second gets a
 * frame of its own: whoever reads them sees that they contradict each other.
 */
function createFrames(): {
  put(
    device: { readonly device: DeviceId; readonly spanS: number },
    metric: MetricName,
    atMs: number,
    value: number | null,
    flag: Flag,
  ): void;
  all(): Frame[];
} {
  const frames: OpenFrame[] = [];
  const open = new Map<string, OpenFrame>();
  return {
    put({ device, spanS }, metric, atMs, value, flag) {
      const key = `${device} ${atMs}`;
      let frame = open.get(key);
      if (frame === undefined || Object.hasOwn(frame.values, metric)) {
        const at = onGrid(atMs);
        frame = { device, at, spanMs: spanS * SECOND_MS, values: {} };
        if (Math.abs(atMs - at) > READ_AT_MS) frame.readAt = atMs;
        open.set(key, frame);
        frames.push(frame);
      }
      frame.values[metric] = value;
      if (flag !== 'N') {
        frame.flags ??= {};
        frame.flags[metric] = flag;
      }
    },
    all: () => frames,
  };
}
