import type { Frame } from '../model/batch.ts';
import type { Result } from '../model/result.ts';
import type { Clock } from '../model/time.ts';
import type { FaultPoint } from '../process/fault-point.ts';
import { readOrMakeKey } from '../process/key-file.ts';
import type { Logger } from '../process/log.ts';
import { createShutdownStack } from '../process/shutdown.ts';
import { batchPlanOf } from './batch-plan.ts';
import { createBatcher } from './batcher.ts';
import { startBusWorker } from './bus-worker.ts';
import { startClockGauge } from './clock-gauge.ts';
import { createStepWatch } from './clock-step.ts';
import type { GatewayConfig } from './config.ts';
import { startFlushing } from './flushing.ts';
import { openLearnedCuts } from './learned-cuts.ts';
import { startPublisher } from './publisher.ts';
import { createReloader, type ReloadFailure } from './reload.ts';
import { type BusChange, createRunningBuses } from './running-buses.ts';
import { openSpool } from './spool.ts';
import type { SpoolOrigin } from './spool-schema.ts';
import { createRateMeter, type GatewayStatus, healthSummary, selfTestOf } from './status.ts';
import { serveStatus } from './status-socket.ts';

export { readSpoolPosition } from './spool-schema.ts';

const CLOSE_MS_MAX = 5_000;
const DRAIN_MS_MAX = 3_000;

export interface GatewayParts {
  /** Polls, batches and seals follow it; network time-outs follow the machine. */
  readonly clock: Clock;
  readonly log: Logger;
  /** Version of the program, for the batch's meta. */
  readonly build?: string;
  readonly faultPoint?: FaultPoint;
  /** The spool's disk has lost what was on it: only a new start helps, which makes a new spool. */
  readonly onDamage?: () => void;
  /** Reads the settings anew for a reload; throws `ConfigError`. Without it there is none. */
  readonly readConfig?: () => GatewayConfig;
}

export interface Gateway {
  status(): GatewayStatus;
  /**
   * Goes over to the settings as they are now. They are checked whole first: with a fault everything
   * goes on as it was. No grid time of any device is left out.
   */
  reload(): Promise<Result<BusChange, ReloadFailure>>;
  /**
   * Stops polling, puts what is open into the spool, sends what can be sent within a bounded time, and
   * says goodbye. Rejects, with their names, when parts could not be closed.
   */
  close(): Promise<void>;
}

/**
 * Builds and starts a gateway. Broker and devices may be away: it starts without them. Throws when
 * key or spool can't be used; nothing is left running then.
 */
export async function startGateway(config: GatewayConfig, parts: GatewayParts): Promise<Gateway> {
  const { clock, log, build = 'unknown', faultPoint = () => undefined } = parts;
  // The virtual clock of the demo runs away from the monotonic one by design.
  const isClockWatched = config.clock.source !== 'virtual';
  const stack = createShutdownStack();
  const spool = openSpool({
    file: config.spoolFile,
    gateway: config.gateway,
    key: readOrMakeKey(config.keyFile),
    bytesMax: config.spoolBytesMax,
    ageMsMax: config.spoolAgeMsMax,
    sealEveryBatches: config.seal.everyBatches,
    nowMs: clock.now(),
    isClockWatched,
    faultPoint,
    onDamage(error) {
      log.fatal({ err: error }, 'the spool is damaged: it is put aside at the next start');
      parts.onDamage?.();
    },
  });
  stack.push('spool', spool.close);
  sayOrigin(spool.origin, log);

  const gauge = await startClockGauge(config.clock, log.child({ part: 'clock' }));
  stack.push('clock gauge', async () => gauge.close());

  const publisher = startPublisher({
    config,
    build,
    spool,
    clock,
    log: log.child({ part: 'publisher' }),
    faultPoint,
    summary: () =>
      healthSummary({ buses: buses.buses(), devices: buses.devices(), clock: gauge.state() }),
    onAckAboveHead: () => batcher.startEpoch('ack-above-head'),
    onCommand: async (command) => {
      if (command === 'time') return { clock: gauge.state(), nowMs: clock.now() };
      return command === 'reload' ? reloader.reload() : selfTestOf(status());
    },
  });
  stack.push('publisher', () => publisher.close(DRAIN_MS_MAX));

  const batcher = createBatcher({
    plan: batchPlanOf(config, build),
    spool,
    now: () => clock.now(),
    clockState: gauge.state,
    log: log.child({ part: 'batcher' }),
    onSpooled: publisher.wake,
  });
  const stepWatch = isClockWatched ? createStepWatch(clock) : null;
  const watchClock = (): void => {
    const stepMs = stepWatch?.check() ?? 0;
    if (stepMs === 0) return;
    log.warn({ stepMs }, 'the clock was set: a new epoch begins');
    batcher.startEpoch('clock-step');
  };
  const flushing = startFlushing({ config, clock, log, spool, batcher, publisher, watchClock });
  stack.push('flushing and seals', flushing.close);

  const emit = (frame: Frame): void => {
    watchClock();
    batcher.add(frame);
  };
  const learned = openLearnedCuts(`${config.spoolFile}.learned.json`, (error) =>
    log.warn({ err: error }, 'cannot keep what devices refuse; it is learned again'),
  );
  const lastAtOf = spool.positionOf;
  const buses = createRunningBuses((bus) =>
    startBusWorker({ bus, clock, log, emit, lastAtOf, learned }),
  );
  stack.push('buses', buses.close);
  const reloader = createReloader({
    config,
    log,
    readConfig: parts.readConfig,
    apply: (next) =>
      buses.change(next.buses, () => {
        batcher.follow(batchPlanOf(next, build));
        publisher.follow(next);
        void gauge.follow(next.clock);
        flushing.follow(next);
      }),
  });
  const rate = createRateMeter();
  await buses.change(config.buses, () => undefined);
  const socket = await serveStatus(config.statusSocket ?? `${config.spoolFile}.sock`, (ask) =>
    ask === 'raw' ? { buses: buses.exchanges() } : status(),
  ).catch((error: Error) => log.warn(`no status socket: ${error.message}`));
  if (socket !== undefined) stack.push('status socket', socket.close);

  function status(): GatewayStatus {
    const { epoch, seq } = spool.head();
    const { values, framesLost } = batcher.counters();
    return {
      gateway: config.gateway,
      build,
      clock: gauge.state(),
      epoch,
      seq,
      readingsPerSecond: rate.perSecond(values),
      readings: values,
      framesLost,
      lastAtMs: spool.lastAtMs(),
      spool: spool.stats(clock.now()),
      mqtt: publisher.status(),
      buses: buses.buses(),
      devices: buses.devices(),
    };
  }

  return {
    status,
    reload: reloader.reload,
    async close() {
      await reloader.settled();
      const faults = (await stack.closeAll(CLOSE_MS_MAX)).filter(
        ({ error }) => error !== undefined,
      );
      if (faults.length === 0) return;
      const names = faults.map(({ name, error }) => `${name}: ${error}`).join('; ');
      throw new Error(`Cannot close the gateway in order: ${names}`);
    },
  };
}

const ORIGIN_TEXT = {
  opened: null,
  made: null,
  restored: 'the spool is a copy that was put back: a new epoch begins',
  damaged: 'the spool was damaged and is put aside: a new epoch begins in a new one',
  foreign: 'the spool was that of another gateway and is put aside: a new one is made',
} as const satisfies Record<SpoolOrigin, string | null>;

function sayOrigin(origin: SpoolOrigin, log: Logger): void {
  const text = ORIGIN_TEXT[origin];
  if (text !== null) log.warn(text);
}
