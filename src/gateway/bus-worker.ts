import type { Frame } from '../model/batch.ts';
import type { DeviceId } from '../model/ids.ts';
import { type Clock, MINUTE_MS } from '../model/time.ts';
import type { Logger } from '../process/log.ts';
import { busBudget, pollPeriodOf } from './bus-budget.ts';
import type { BusConfig, DeviceConfig } from './bus-config.ts';
import { createBusEvents } from './bus-events.ts';
import { isProven, isShortProbe, stepHealth } from './device-health.ts';
import { createDevicePoller, type PollOutcome } from './device-poller.ts';
import { createFaultTime } from './fault-time.ts';
import { createForeignWatch, type ForeignMaster } from './foreign-watch.ts';
import type { LearnedCuts } from './learned-cuts.ts';
import type { Exchange } from './modbus/exchange-log.ts';
import { createMaster } from './modbus/master.ts';
import type { MasterCounters, MasterEvents, ModbusMaster } from './modbus/modbus-master.ts';
import { costOf } from './poll-plan.ts';
import { createPolledDevice, type DeviceStatus, type PolledDevice } from './polled-device.ts';
import { inFlightMaxOf, readCostOf } from './read-cost.ts';

export type { DeviceStatus } from './polled-device.ts';

/** The longest sleep, so that a clock that was set back is noticed. */
const SLEEP_MS_MAX = MINUTE_MS;
/** Polls of a bus fuller than this can't all be met in the same half of their period. */
const FULL_SHARE = 0.3;
/** The first poll waits so long for the first connection, so that no start looks like a fault. */
const FIRST_CONNECT_MS_MAX = 200;
/** A network may stand still for so long without anything being wrong. */
const TIMEOUT_MS_MIN = 100;

export interface BusStatus extends Readonly<MasterCounters> {
  readonly bus: string;
  readonly isUp: boolean;
  /** Its converter says that it can't reach its line. */
  readonly isPathDown: boolean;
  /** Of the bus's time, what its devices need when all of them answer. */
  readonly utilisation: number;
  readonly foreignMaster: ForeignMaster;
}

export interface BusWorker {
  devices(): DeviceStatus[];
  status(): BusStatus;
  /** The last exchanges as bytes, oldest first. */
  exchanges(): Exchange[];
  /** Begins nothing more; ends when what is due and under way is read and emitted, and it is closed. */
  drain(): Promise<void>;
  /** Stops polling; ends when the transaction under way has ended. Its reading is not kept. */
  close(): Promise<void>;
}

export interface BusWorkerSettings {
  readonly bus: BusConfig;
  readonly clock: Clock;
  readonly log: Logger;
  readonly emit: (frame: Frame) => void;
  /** The last `at` of a device that is in the spool: not polled again. */
  readonly lastAtOf: (device: DeviceId) => number | null;
  readonly learned: LearnedCuts;
  readonly random?: () => number;
  /** How to reach the bus, if not by its settings. */
  readonly connect?: (bus: BusConfig, events: MasterEvents) => ModbusMaster;
}

/**
 * Polls the devices of one bus at fixed rate, one transaction at a time unless all of them allow more:
 * first the devices that answer, and of them the one whose time runs out first. A grid time that can't be
 * met is skipped, never queued. What does not answer gets at most a tenth of the bus's time. While another
 * master is on the bus everything that is read is D.
 */
export function startBusWorker(settings: BusWorkerSettings): BusWorker {
  const { bus, clock, learned, random = Math.random, connect = createMaster } = settings;
  const log = settings.log.child({ bus: bus.id });
  const stop = new AbortController();
  const budget = busBudget(bus);
  const faultTime = createFaultTime();
  const foreign = createForeignWatch();
  const serving = new Map<PolledDevice, Promise<void>>();
  let slotsFree = inFlightMaxOf(bus);
  let foreignMaster: ForeignMaster = 'none';
  let isPathDown = false;
  let wake = new AbortController();
  /** No grid time after this is polled for. */
  let drainedAtMs = Number.POSITIVE_INFINITY;

  const tried = Promise.withResolvers<void>();
  const firstConnectTimer = setTimeout(tried.resolve, FIRST_CONNECT_MS_MAX);
  const events = createBusEvents({ log, exchanges: () => master.exchanges() });
  const master: ModbusMaster = connect(bus, {
    onState: (state, reason) => {
      events.connection(state, reason);
      tried.resolve();
    },
    onLate: (unitId, rttMs) => {
      for (const { config, timing } of devices) if (config.unitId === unitId) timing.add(rttMs);
    },
  });
  const devices = bus.devices.map(createDevice);

  function createDevice(config: DeviceConfig): PolledDevice {
    const cost = readCostOf(bus, config);
    const longestMs = Math.max(
      ...budget.devices
        .filter(({ device }) => device === config)
        .flatMap(({ blocks }) => blocks.map((block) => costOf(block, cost))),
    );
    return createPolledDevice({
      config,
      timeoutMsMin: longestMs + TIMEOUT_MS_MIN,
      nowMs: clock.now(),
      lastAtMs: settings.lastAtOf(config.device),
      isBusFull: budget.share > FULL_SHARE,
      createPoller: (timing, counters) =>
        createDevicePoller({
          device: config,
          master,
          cost,
          isLine: bus.transport !== 'tcp',
          learned,
          timing,
          counters,
          now: () => clock.now(),
          random,
          onNotice: (detail) => events.notice(config.device, detail),
        }),
    });
  }

  async function run(): Promise<void> {
    await clock.sleepUntil(nextMs(), wake.signal);
    await tried.promise;
    clearTimeout(firstConnectTimer);
    while (!stop.signal.aborted) {
      const nowMs = clock.now();
      for (const device of devices) begin(device, nowMs);
      const next = slotsFree > 0 ? pick(nowMs) : null;
      if (next !== null)
        serving.set(
          next,
          serve(next).finally(() => serving.delete(next)),
        );
      else if (slotsFree === 0) await Promise.race(serving.values());
      else if (serving.size > 0) await untilServedOr(nowMs);
      else if (nowMs >= drainedAtMs && devices.every(({ round }) => round === null)) return;
      else await clock.sleepUntil(Math.min(nextMs(), nowMs + SLEEP_MS_MAX), wake.signal);
    }
    await Promise.all(serving.values());
  }

  /** Slots are free, and nobody to take them: until one is served or the time of another has come. */
  async function untilServedOr(nowMs: number): Promise<void> {
    const nap = new AbortController();
    const next = clock.sleepUntil(Math.min(nextMs(), nowMs + SLEEP_MS_MAX), nap.signal);
    try {
      await Promise.race([next, ...serving.values()]);
    } finally {
      nap.abort();
    }
  }

  /** A device whose time has come gets a round, or its silence when there is no bus time for it. */
  function begin(device: PolledDevice, nowMs: number): void {
    if (device.round !== null) return;
    device.holdNothingUp(nowMs);
    if (device.releaseMs() > drainedAtMs) return;
    const plannedMs = device.take(nowMs);
    if (plannedMs === null) return;
    const { health, poller } = device;
    const isProbe = health.state === 'DEMOTED';
    const isTime = !isProbe || nowMs >= health.nextProbeMs;
    if (isProven(health) || (isTime && faultTime.isLeft())) {
      const mayRetry = (): boolean => health.state === 'HEALTHY' && faultTime.isLeft();
      const poll = isProbe ? poller.probe(isShortProbe(health)) : poller.poll(mayRetry);
      device.round = { poll, plannedMs, isProbe, notBeforeMs: nowMs };
    } else {
      emit(device, plannedMs, { kind: 'silent', readAtMs: null, readings: poller.silent });
    }
  }

  /** Of the devices that can go on now: those that answer first, then the earliest deadline. */
  function pick(nowMs: number): PolledDevice | null {
    let first: PolledDevice | null = null;
    for (const device of devices) {
      if (serving.has(device)) continue;
      if (device.round === null || device.round.notBeforeMs > nowMs) continue;
      if (first === null || isBefore(device, first)) first = device;
    }
    return first;
  }

  const nextMs = (): number =>
    Math.min(
      ...devices
        .filter((device) => !serving.has(device))
        .map(({ round, releaseMs }) => round?.notBeforeMs ?? releaseMs()),
    );

  async function serve(device: PolledDevice): Promise<void> {
    const round = device.round!;
    const slots = Math.min(slotsFree, round.poll.readyCount());
    slotsFree -= slots;
    const step = await round.poll.step(slots);
    slotsFree += slots;
    if (stop.signal.aborted) return;
    if (step.faultMs > 0) faultTime.spend(step.faultMs);
    if (step.kind === 'more') {
      round.notBeforeMs = step.notBeforeMs;
      return;
    }
    device.round = null;
    const { outcome } = step;
    foreignMaster = foreign.look(master.counters(), performance.now());
    events.foreign(foreignMaster);
    move(device, outcome.kind);
    if (round.isProbe && outcome.kind === 'answered') {
      const poll = device.poller.poll(faultTime.isLeft);
      device.round = { ...round, poll, isProbe: false, notBeforeMs: clock.now() };
    } else {
      emit(device, round.plannedMs, outcome);
    }
  }

  function emit(device: PolledDevice, plannedMs: number, outcome: PollOutcome): void {
    const { readAtMs } = outcome;
    const readings = foreignMaster === 'certain' ? doubted(outcome.readings) : outcome.readings;
    for (const frame of device.keep(plannedMs, readAtMs, readings)) settings.emit(frame);
  }

  function move(device: PolledDevice, kind: PollOutcome['kind']): void {
    notePath(kind);
    // A bus that is down says nothing about the devices on it.
    if (kind === 'bus-down' || kind === 'path-down') return;
    if (kind === 'silent') device.silentPolls += 1;
    const before = device.health.state;
    device.health = stepHealth(device.health, kind, clock.now(), random);
    if (before === device.health.state) return;
    const { lastFault } = device.status(bus.id);
    const reason = kind === 'silent' ? (lastFault?.text ?? kind) : kind;
    events.health(device, before, reason);
  }

  function notePath(kind: PollOutcome['kind']): void {
    const isDown = kind === 'path-down' || (isPathDown && kind !== 'answered');
    if (isDown === isPathDown) return;
    isPathDown = isDown;
    events.path(isDown);
  }

  const running = run();
  return {
    devices: () => devices.map((device) => device.status(bus.id)),
    status: () => ({
      bus: bus.id,
      isUp: master.isUp(),
      isPathDown,
      utilisation: budget.share,
      foreignMaster,
      ...master.counters(),
    }),
    exchanges: () => master.exchanges(),
    async drain() {
      drainedAtMs = clock.now();
      wake.abort();
      wake = new AbortController();
      await running;
      await master.close();
    },
    async close() {
      stop.abort();
      tried.resolve();
      wake.abort();
      await master.close();
      await running;
    },
  };
}

/** A value that may be another register's is kept, and is no proof. */
const doubted = (readings: PollOutcome['readings']): PollOutcome['readings'] =>
  new Map(
    [...readings].map(([metric, { value, flag }]) => [
      metric,
      { value, flag: flag === 'N' ? 'D' : flag },
    ]),
  );

function isBefore(a: PolledDevice, b: PolledDevice): boolean {
  if (isProven(a.health) !== isProven(b.health)) return isProven(a.health);
  return deadlineOf(a) < deadlineOf(b);
}

/** Later than half a period after its grid time a reading can't be stamped with it any more. */
const deadlineOf = ({ round, config }: PolledDevice): number =>
  round!.plannedMs + pollPeriodOf(config) / 2;
