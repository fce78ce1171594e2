import type { Frame } from '../model/batch.ts';
import type { DeviceId, MetricName } from '../model/ids.ts';
import { DAY_MS } from '../model/time.ts';
import { pollPeriodOf } from './bus-budget.ts';
import type { DeviceConfig } from './bus-config.ts';
import type { Reading } from './decode.ts';
import { type DeviceHealth, HEALTHY, type HealthState } from './device-health.ts';
import type { DevicePoller, Poll } from './device-poller.ts';
import { createFlapDamper, type FlapDamper } from './flap-damper.ts';
import { frameOf } from './frame.ts';
import { dueAt, firstDueAt, gridAfter, phaseOf, stampOf } from './poll-grid.ts';
import { createSecondMean, type SecondMean } from './second-mean.ts';
import { createUnitCounters, type UnitCounters, type UnitCounts } from './unit-counters.ts';
import { createUnitTiming, type UnitTiming } from './unit-timing.ts';

/** What a device of a bus shows of itself. */
export interface DeviceStatus extends UnitCounts {
  readonly device: DeviceId;
  readonly bus: string;
  readonly unitId: number;
  readonly state: HealthState;
  /** Changes of its state so far. */
  readonly flaps: number;
  /** It changes to and fro; the log says so once. */
  readonly isFlapping: boolean;
  /** `at` of its last frame; null: none yet. */
  readonly lastAtMs: number | null;
  /** Grid times that came too late to be polled. */
  readonly skipped: number;
  readonly silentPolls: number;
  readonly rttMsP50: number | null;
  readonly rttMsP99: number | null;
  /** How long a reply is waited for now. */
  readonly timeoutMs: number;
}

/** A poll under way, and the grid time it is for. */
export interface Round {
  readonly poll: Poll;
  readonly plannedMs: number;
  readonly isProbe: boolean;
  /** Not before: a busy device, or one that wants a pause. */
  notBeforeMs: number;
}

/** One device of a bus: when it is due, how it is, what it gave. */
export interface PolledDevice {
  readonly config: DeviceConfig;
  readonly poller: DevicePoller;
  readonly timing: UnitTiming;
  readonly damper: FlapDamper;
  health: DeviceHealth;
  round: Round | null;
  silentPolls: number;
  /** When to begin with it next. */
  releaseMs(): number;
  /** The grid time to poll for now; null: not yet. What could not be met is skipped and counted. */
  take(nowMs: number): number | null;
  /** Frames of a reading for a grid time; moves on to the next one. */
  keep(
    plannedMs: number,
    readAtMs: number | null,
    readings: ReadonlyMap<MetricName, Reading>,
  ): Frame[];
  /** A due time far ahead was planned by a clock that has been set back since. */
  holdNothingUp(nowMs: number): void;
  status(bus: string): DeviceStatus;
}

export interface PolledDeviceSettings {
  readonly config: DeviceConfig;
  /** The shortest time that a reply is waited for. */
  readonly timeoutMsMin: number;
  readonly nowMs: number;
  readonly lastAtMs: number | null;
  /** A bus so full that polls at the same time can't all be met: they find times of their own. */
  readonly isBusFull: boolean;
  readonly createPoller: (timing: UnitTiming, counters: UnitCounters) => DevicePoller;
}

export function createPolledDevice(settings: PolledDeviceSettings): PolledDevice {
  const { config } = settings;
  const gridMs = pollPeriodOf(config);
  const timing = createUnitTiming({
    timeoutMsMin: settings.timeoutMsMin,
    timeoutMsMax: config.timeoutMs,
  });
  const counters = createUnitCounters();
  const damper = createFlapDamper();
  const mean: SecondMean | null =
    config.pollMs === undefined ? null : createSecondMean(config.points, config.pollMs);
  let lastAtMs = settings.lastAtMs;
  let dueMs = firstDueAt(settings.nowMs, lastAtMs, gridMs);
  let phaseMs = phaseOf(config.device, gridMs);
  let skipped = 0;

  function frames(
    atMs: number,
    readAtMs: number | null,
    readings: ReadonlyMap<MetricName, Reading>,
  ): Frame[] {
    const { device, periodMs } = config;
    if (mean === null) {
      lastAtMs = atMs;
      return [frameOf(device, { atMs, spanMs: periodMs, readAtMs }, readings)];
    }
    return mean.add(atMs, readings).map((second) => {
      lastAtMs = second.atMs;
      const time = { atMs: second.atMs, spanMs: periodMs, readAtMs: null };
      return frameOf(device, time, second.readings);
    });
  }

  return {
    config,
    timing,
    poller: settings.createPoller(timing, counters),
    damper,
    health: HEALTHY,
    round: null,
    silentPolls: 0,
    releaseMs: () => dueMs + phaseMs,
    take(nowMs) {
      if (nowMs < dueMs + phaseMs) return null;
      const plannedMs = dueAt(dueMs, nowMs, gridMs);
      const missed = (plannedMs - dueMs) / gridMs;
      // A clock that was years behind has left out nothing when it is set.
      if (plannedMs - dueMs < DAY_MS) skipped += missed;
      dueMs = plannedMs;
      if (missed === 0 || plannedMs <= nowMs) return plannedMs;
      if (!settings.isBusFull) return null;
      // Polled now it is in time for the next grid time, and from now on always.
      phaseMs = nowMs - plannedMs;
      return plannedMs;
    },
    keep(plannedMs, readAtMs, readings) {
      const atMs = readAtMs === null ? plannedMs : stampOf(plannedMs, readAtMs, gridMs);
      if (atMs === null) {
        // The clock was set while it was read: nobody knows the time of this reading.
        skipped += 1;
        dueMs = plannedMs + gridMs;
        return [];
      }
      skipped += (atMs - plannedMs) / gridMs;
      dueMs = atMs + gridMs;
      if (atMs > plannedMs && settings.isBusFull) phaseMs = Math.floor((readAtMs ?? atMs) - atMs);
      return frames(atMs, readAtMs, readings);
    },
    holdNothingUp(nowMs) {
      if (dueMs > gridAfter(nowMs, gridMs) + gridMs) dueMs = firstDueAt(nowMs, lastAtMs, gridMs);
    },
    status(bus) {
      return {
        device: config.device,
        bus,
        unitId: config.unitId,
        state: this.health.state,
        flaps: damper.count(),
        isFlapping: damper.isFlapping(performance.now()),
        lastAtMs,
        skipped,
        silentPolls: this.silentPolls,
        ...counters.counts(),
        rttMsP50: timing.quantile(0.5),
        rttMsP99: timing.quantile(0.99),
        timeoutMs: timing.timeoutMs(),
      };
    },
  };
}
