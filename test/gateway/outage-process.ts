import { batchPlanOf } from '../../src/gateway/batch-plan.ts';
import { createBatcher } from '../../src/gateway/batcher.ts';
import { GatewayConfig } from '../../src/gateway/config.ts';
import { startPublisher } from '../../src/gateway/publisher.ts';
import { openSpool } from '../../src/gateway/spool.ts';
import type { Frame } from '../../src/model/batch.ts';
import { DeviceId, type MetricName } from '../../src/model/ids.ts';
import { createFaultPoint } from '../../src/process/fault-point.ts';
import { readOrMakeKey } from '../../src/process/key-file.ts';
import { createLogger } from '../../src/process/log.ts';
import type { OutageOrder } from './outage.ts';

/**
 * Spool, batcher and publisher of a gateway, in a process that is there to be killed. Readings are made
 * up instead of polled, one second of 64 metrics a batch. It waits for its order, so that it is warm
 * when the one before it dies.
 */
const DEVICES = Array.from({ length: 16 }, (_, i) => DeviceId.parse(`gas-${i}`));
/** Seconds made up at a time before the link gets its turn. */
const SECONDS_AT_A_TIME = 20;

/** Different in every second and device, the same whenever it is made: a restart repeats nothing. */
function frameOf(device: DeviceId, i: number, atMs: number): Frame {
  const second = atMs / 1_000;
  const wave = (k: number): number => ((second * (7 + k) + i * 131) % 997) / 10;
  const values = { co: wave(1), h2s: wave(2), o2: wave(3), temp: wave(4) };
  return { device, at: atMs, spanMs: 1_000, values: values as Record<MetricName, number> };
}

async function run(order: OutageOrder): Promise<void> {
  const config = GatewayConfig.parse(order.config);
  const faultPoint = createFaultPoint(order.armed ?? undefined);
  const log = createLogger('outage', 'error');
  // Filling runs as fast as it can; later the clock follows the machine's, faster.
  let filledMs = order.fromMs;
  const isFilling = order.pace === null;
  const now = (): number =>
    order.pace === null
      ? filledMs
      : order.pace.virtualMs + (Date.now() - order.pace.realMs) * order.pace.speed;
  const clock = { now, sleepUntil: () => Promise.resolve() };
  const spool = openSpool({
    file: config.spoolFile,
    gateway: config.gateway,
    key: readOrMakeKey(config.keyFile),
    bytesMax: config.spoolBytesMax,
    ageMsMax: config.spoolAgeMsMax,
    sealEveryBatches: config.seal.everyBatches,
    nowMs: now(),
    isClockWatched: false,
    faultPoint,
  });
  const publisher = startPublisher({
    config,
    build: 'outage',
    spool,
    clock,
    log,
    faultPoint,
    onAckAboveHead: () => batcher.startEpoch('ack-above-head'),
    onCommand: () => Promise.resolve(null),
  });
  const batcher = createBatcher({
    plan: batchPlanOf(config, 'outage'),
    spool,
    now,
    clockState: () => ({ source: 'virtual', offsetMs: 0, errMs: 10 }),
    log,
    onSpooled: publisher.wake,
  });
  const makeSecond = (atMs: number): void => {
    for (const [i, device] of DEVICES.entries()) batcher.add(frameOf(device, i, atMs));
    batcher.flush();
  };

  if (isFilling) {
    filledMs = Math.max(order.fromMs, spool.lastAtMs() ?? 0);
    while (filledMs < order.untilMs) {
      for (let i = 0; i < SECONDS_AT_A_TIME && filledMs < order.untilMs; i += 1) {
        filledMs += 1_000;
        makeSecond(filledMs);
      }
      await new Promise((resolve) => setImmediate(resolve));
    }
    process.send?.({ done: true });
    return;
  }
  let madeMs = Math.max(spool.lastAtMs() ?? 0, Math.floor(now() / 1_000) * 1_000);
  setInterval(() => {
    while (madeMs + 1_000 <= now()) {
      madeMs += 1_000;
      makeSecond(madeMs);
    }
    const { items } = spool.stats(now());
    if (items < 20) process.send?.({ done: true });
  }, 5);
}

process.once('message', (order) => void run(order as OutageOrder));
process.once('disconnect', () => process.exit(0));
process.send?.({ ready: true });
