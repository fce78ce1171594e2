import { setTimeout as sleep } from 'node:timers/promises';
import { fail, ok, type Result } from '../model/result.ts';
import type { BusConfig, DeviceConfig } from './bus-config.ts';
import { checkIdentity, createDecoder, FAULTY, type Reading, SILENT } from './decode.ts';
import { type Identify, spanOfIdentify } from './device-protocol.ts';
import { exceptionText } from './exceptions.ts';
import { createMaster } from './modbus/master.ts';
import type { ModbusMaster } from './modbus/modbus-master.ts';
import { needsOf, type PointConfig, spanOf } from './point-config.ts';
import { type ByteOrder, isBitTable, ordersOf, type RegisterSpan } from './point-types.ts';

/** A connection that was lost meanwhile is waited for so long. */
const RECONNECT_MS_MAX = 5_000;
const LOOK_EVERY_MS = 20;
const ALMOST_ZERO_SHARE = 1e-6;

/** What was read at a place: its words (bits of a bit table), or why there are none. */
export interface Probed {
  readonly span: RegisterSpan;
  readonly words: readonly number[] | null;
  /** Why there are none, in words; empty when there are some. */
  readonly fault: string;
  /** The device answered, if only with an exception. */
  readonly isAnswered: boolean;
}

/** One way to take the words of a point. */
export interface Decoding {
  readonly order: ByteOrder;
  readonly value: number | null;
  /** In the range, and no sentinel. */
  readonly fits: boolean;
  /** It is what the settings say. */
  readonly isSet: boolean;
}

export interface PointProbe {
  readonly point: PointConfig;
  readonly own: Probed;
  readonly decodings: readonly Decoding[];
  readonly statuses: readonly Probed[];
  /** What the gateway would make of it. */
  readonly reading: Reading;
}

export interface ProbeReport {
  readonly identity: readonly {
    readonly identify: Identify;
    readonly probed: Probed;
    readonly isRight: boolean;
  }[];
  readonly points: readonly PointProbe[];
  /** Extra places that were asked for. */
  readonly extra: readonly Probed[];
}

/** Reads every place of a device once, by itself, over a connection of its own. */
export async function probeDevice(
  bus: BusConfig,
  device: DeviceConfig,
  extra: readonly RegisterSpan[] = [],
): Promise<Result<ProbeReport, 'no-connection'>> {
  const connecting = Promise.withResolvers<string>();
  const master = createMaster(bus, {
    onState: (state, reason) => connecting.resolve(state === 'up' ? '' : reason),
  });
  try {
    const refusal = await connecting.promise;
    if (refusal !== '') return fail('no-connection', refusal);
    return ok(await readAll(master, device, extra));
  } finally {
    await master.close();
  }
}

async function readAll(
  master: ModbusMaster,
  device: DeviceConfig,
  extra: readonly RegisterSpan[],
): Promise<ProbeReport> {
  const known = new Map<string, Probed>();
  const read = async (span: RegisterSpan): Promise<Probed> => {
    const key = `${span.table} ${span.address} ${span.words}`;
    const probed = known.get(key) ?? (await readOnce(master, device, span));
    known.set(key, probed);
    return probed;
  };
  const identity: ProbeReport['identity'][number][] = [];
  for (const identify of device.protocol.identify) {
    const probed = await read(spanOfIdentify(identify));
    const isRight = probed.words !== null && checkIdentity(identify, probed.words);
    identity.push({ identify, probed, isRight });
  }
  const points: PointProbe[] = [];
  for (const point of device.points) {
    const probes: Probed[] = [];
    for (const span of needsOf(point)) probes.push(await read(span));
    points.push(pointProbeOf(point, probes));
  }
  const others: Probed[] = [];
  for (const span of extra) others.push(await read(span));
  return { identity, points, extra: others };
}

/**
 * A time-out is asked once more: at the start of a connection the first request may be lost. So is a
 * connection that was given up meanwhile, once it is back.
 */
async function readOnce(
  master: ModbusMaster,
  { unitId, timeoutMs, protocol }: DeviceConfig,
  span: RegisterSpan,
): Promise<Probed> {
  for (let triesLeft = 1; ; triesLeft -= 1) {
    if (protocol.interRequestMs > 0) await sleep(protocol.interRequestMs);
    await untilUp(master);
    const reply = await master.read({ unitId, ...span }, timeoutMs);
    if (!reply.ok) {
      if (reply.reason !== 'violation' && triesLeft > 0) continue;
      const fault = reply.reason === 'down' ? 'the connection did not come back' : reply.detail;
      return { span, words: null, fault, isAnswered: false };
    }
    const { value } = reply;
    if (value.kind === 'words') return { span, words: value.words, fault: '', isAnswered: true };
    return { span, words: null, fault: exceptionText(value.code), isAnswered: true };
  }
}

/** Waits for a connection that was ended by what came over it. */
async function untilUp(master: ModbusMaster): Promise<void> {
  const untilMs = performance.now() + RECONNECT_MS_MAX;
  while (!master.isUp() && performance.now() < untilMs) await sleep(LOOK_EVERY_MS);
}

/** Pure: what the words at a point's places come to, in every byte order. */
export function pointProbeOf(point: PointConfig, probes: readonly Probed[]): PointProbe {
  const none = { span: spanOf(point), words: null, fault: 'not read', isAnswered: false };
  const own = probes[0] ?? none;
  const needs = needsOf(point);
  const reading = createDecoder(point).read((span) => {
    const at = needs.findIndex(
      (need) => need.table === span.table && need.address === span.address,
    );
    const probed = probes[at];
    if (probed === undefined) return SILENT;
    return probed.words ?? (probed.isAnswered ? FAULTY : SILENT);
  });
  return { point, own, decodings: decodingsOf(point, own), statuses: probes.slice(1), reading };
}

function decodingsOf(point: PointConfig, { words }: Probed): Decoding[] {
  if (words === null) return [];
  const all = ordersOf(point.type);
  const set = point.order ?? all[0];
  const orders = isBitTable(point.table) || point.type === 'bit' ? [set] : all;
  return orders.map((order) => {
    const { value, flag } = createDecoder({ ...point, order, flagFrom: [] }).read(() => words);
    const fits = flag === 'N' && !isAlmostZero(value, point.range);
    return { order, value, fits, isSet: order === set };
  });
}

/** A float of the wrong order is often next to nothing, and lies in most ranges. */
const isAlmostZero = (value: number | null, [low, high]: PointConfig['range']): boolean =>
  value !== null &&
  value !== 0 &&
  Math.abs(value) < Math.max(Math.abs(low), Math.abs(high)) * ALMOST_ZERO_SHARE;
