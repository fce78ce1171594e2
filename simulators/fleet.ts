import { setTimeout as pause } from 'node:timers/promises';
import { RegionCode } from '../src/model/ids.ts';
import { topicOf } from '../src/telemetry/topics.ts';
import { type ChainHead, createFleetChain, type FleetChain } from './fleet-chain.ts';
import { createFleetConnection, type FleetConnection } from './fleet-connection.ts';
import { type FleetMember, fleetKey, fleetMember, LOADS, type Load } from './fleet-member.ts';
import { createFleetMeter, type FleetFigures, type FleetMeter } from './fleet-meter.ts';
import { createFleetSender, type FleetSender } from './fleet-sender.ts';
import { connectFleet } from './fleet-start.ts';

export interface FleetOptions {
  /** `mqtt://host:port`. */
  readonly mqttUrl: string;
  readonly region: string;
  readonly gateways: number;
  /** Index of the first of them, 0 when it is not given. */
  readonly firstIndex?: number;
  readonly load: Load;
  /** Event time at which the first frame begins, UTC ms, whole seconds. */
  readonly startMs: number;
  /** Event time covered by a frame; whole seconds. */
  readonly frameSpanMs?: number;
  /** Ends after so much time, or when every gateway has made `batches`; at least one is given. */
  readonly durationMs?: number;
  readonly batches?: number;
  /** Batches per second of all gateways together; absent: as fast as windows allow. */
  readonly batchesPerS?: number;
  /** Messages of one gateway without PUBACK at a time. */
  readonly inFlight?: number;
  /** MQTT connections that carry the gateways; default one each, as the hub demands. */
  readonly connections?: number;
  readonly channel?: 'live' | 'backfill';
  readonly sealEveryBatches?: number;
  /** Every n-th gateway lies over its limits; 0: none. */
  readonly overEvery?: number;
  /** Heads of an earlier run, by index: the chains go on from them. */
  readonly heads?: readonly ChainHead[];
  /** How long to wait at the end for what is not acknowledged. */
  readonly drainMs?: number;
  /** How long the broker may take until the connections are up; it goes on without those that are not. */
  readonly connectMs?: number;
  readonly signal?: AbortSignal;
}

export interface FleetReport extends FleetFigures {
  /** Until every connection was up, or `connectMs` over; only then the figures begin. */
  readonly connectedAfterMs: number;
  readonly reconnects: number;
  /** Messages never acknowledged: 0 unless the drain ran out. */
  readonly unacknowledged: number;
  readonly heads: readonly ChainHead[];
}

const FRAME_SPAN_MS = 1_000;
const IN_FLIGHT = 10;
const SEAL_EVERY_BATCHES = 100;
const OVER_EVERY = 10;
const DRAIN_MS = 10_000;
const CONNECT_MS = 10_000;
/** Packet ids of a connection, with room for the seals, which may exceed a window by one. */
const OUTSTANDING_MAX = 60_000;
const PACE_MS = 5;
/** A paced run that fell behind makes up for at most this much. */
const PACE_DEBT_MS_MAX = 1_000;

/** The index-th gateway of a run. */
const memberOf = ({ firstIndex = 0 }: FleetOptions, index: number): FleetMember =>
  fleetMember(firstIndex + index);

/** The chain of one gateway of a run, without a network: what `runFleet` sends, byte for byte. */
export function fleetChain(options: FleetOptions, index: number): FleetChain {
  const overEvery = options.overEvery ?? OVER_EVERY;
  const head = options.heads?.[index];
  const member = memberOf(options, index);
  return createFleetChain({
    member,
    key: fleetKey(member.index),
    load: options.load,
    frameSpanMs: options.frameSpanMs ?? FRAME_SPAN_MS,
    startMs: options.startMs,
    isOver: overEvery > 0 && index % overEvery === 0,
    ...(head === undefined ? {} : { head }),
  });
}

/**
 * Runs simulated gateways with real chains and seals against a broker, and measures the time to
 * each PUBACK. A broker that goes away is connected to again and sent everything again. Rejects
 * for options that make no sense, and with `FleetUnreachableError` when no connection ever came up.
 */
export async function runFleet(options: FleetOptions): Promise<FleetReport> {
  const { durationMs = Number.POSITIVE_INFINITY, batches = Number.POSITIVE_INFINITY } = options;
  if (durationMs === Number.POSITIVE_INFINITY && batches === Number.POSITIVE_INFINITY) {
    throw new Error('Cannot run a fleet without an end: give durationMs or batches');
  }
  const connections = connectionsOf(options);
  const chains = Array.from({ length: options.gateways }, (_, index) => fleetChain(options, index));
  const connectingMs = performance.now();
  try {
    const { mqttUrl, signal, connectMs: withinMs = CONNECT_MS } = options;
    await connectFleet(connections, { mqttUrl, withinMs, signal });
  } catch (error) {
    for (const connection of connections) connection.close();
    throw error;
  }
  const connectedAfterMs = performance.now() - connectingMs;
  const { frames, metrics } = LOADS[options.load];
  const meter = createFleetMeter(frames * metrics);
  const senders = sendersOf(options, chains, connections, meter);
  const endsAtMs = performance.now() + durationMs;
  const pace = createPace(senders, options.batchesPerS);
  while (
    meter.batchesAcked() < batches * options.gateways &&
    performance.now() < endsAtMs &&
    options.signal?.aborted !== true
  ) {
    pace();
    await pause(PACE_MS);
  }
  for (const sender of senders) sender.stop();

  const open = (): number => connections.reduce((sum, { outstanding }) => sum + outstanding(), 0);
  const drainedAtMs = performance.now() + (options.drainMs ?? DRAIN_MS);
  while (open() > 0 && performance.now() < drainedAtMs) await pause(PACE_MS);
  for (const connection of connections) connection.close();
  return {
    ...meter.figures(),
    connectedAfterMs,
    reconnects: connections.reduce((sum, { reconnects }) => sum + reconnects(), 0),
    unacknowledged: open(),
    heads: chains.map((chain) => chain.head()),
  };
}

function connectionsOf(options: FleetOptions): FleetConnection[] {
  const url = new URL(options.mqttUrl);
  const count = options.connections ?? options.gateways;
  const window = (options.inFlight ?? IN_FLIGHT) + 1;
  if (Math.ceil(options.gateways / count) * window > OUTSTANDING_MAX) {
    throw new Error(`Cannot run a fleet with more than ${OUTSTANDING_MAX} messages a connection`);
  }
  return Array.from({ length: count }, (_, index) =>
    createFleetConnection({
      host: url.hostname,
      port: Number(url.port || 1_883),
      // A hub lets a client publish for the gateway that it is named after, and for no other.
      clientId:
        count === options.gateways
          ? memberOf(options, index).gateway
          : `wugan-fleet-${process.pid}-${(options.firstIndex ?? 0) + index}`,
    }),
  );
}

function sendersOf(
  options: FleetOptions,
  chains: readonly FleetChain[],
  connections: readonly FleetConnection[],
  meter: FleetMeter,
): FleetSender[] {
  const region = RegionCode.parse(options.region);
  const isPaced = options.batchesPerS !== undefined;
  return chains.map((chain, index) => {
    const topic = { region, gateway: memberOf(options, index).gateway };
    return createFleetSender({
      chain,
      connection: connections[index % connections.length]!,
      meter,
      batchTopic: topicOf({ ...topic, channel: options.channel ?? 'live' }),
      sealTopic: topicOf({ ...topic, channel: 'seal' }),
      batchesMax: options.batches ?? Number.POSITIVE_INFINITY,
      inFlightMax: options.inFlight ?? IN_FLIGHT,
      sealEveryBatches: options.sealEveryBatches ?? SEAL_EVERY_BATCHES,
      windowOpened: isPaced ? () => undefined : fill,
    });
  });
}

function fill(sender: FleetSender): void {
  while (sender.sendBatch());
}

/**
 * Each call sends what is due by then: all that fits, or what the rate allows, gateway by gateway.
 */
function createPace(senders: readonly FleetSender[], batchesPerS: number | undefined): () => void {
  if (batchesPerS === undefined) return () => senders.forEach(fill);
  const debtMax = Math.max(1, (batchesPerS * PACE_DEBT_MS_MAX) / 1_000);
  let allowance = 0;
  let lastMs = performance.now();
  let turn = 0;
  return () => {
    const nowMs = performance.now();
    allowance = Math.min(debtMax, allowance + ((nowMs - lastMs) * batchesPerS) / 1_000);
    lastMs = nowMs;
    let refused = 0;
    while (allowance >= 1 && refused < senders.length) {
      const wasSent = senders[turn]!.sendBatch();
      turn = (turn + 1) % senders.length;
      if (wasSent) allowance -= 1;
      refused = wasSent ? 0 : refused + 1;
    }
  };
}
