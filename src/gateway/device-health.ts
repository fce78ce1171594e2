import { SECOND_MS } from '../model/time.ts';

/**
 * HEALTHY: polled at every grid time. SUSPECT: its last polls were silent; still polled, while there is
 * bus time for it. DEMOTED: probed with its cheapest block at growing intervals, so that a dead device
 * costs its bus next to nothing.
 */
export type HealthState = 'HEALTHY' | 'SUSPECT' | 'DEMOTED';

export interface DeviceHealth {
  readonly state: HealthState;
  readonly failedCycles: number;
  /** DEMOTED: when to probe, and how many probes failed. */
  readonly nextProbeMs: number;
  readonly failedProbes: number;
  /** Answers since it last failed, up to `PROVEN_ANSWERS`. */
  readonly answers: number;
}

/** With fewer answers since its last failure a device may be flapping: it has no claim to bus time. */
const PROVEN_ANSWERS = 10;

export const HEALTHY: DeviceHealth = {
  state: 'HEALTHY',
  failedCycles: 0,
  nextProbeMs: 0,
  failedProbes: 0,
  answers: PROVEN_ANSWERS,
};

/** It answers, and has done so for a while: its polls come first and are never held back. */
export const isProven = ({ state, answers }: DeviceHealth): boolean =>
  state === 'HEALTHY' && answers >= PROVEN_ANSWERS;

const FAILED_CYCLES_MAX = 3;
const PROBE_MS_MIN = 2 * SECOND_MS;
const PROBE_MS_MAX = 300 * SECOND_MS;
/** Probes of devices that died together drift apart by up to a fifth. */
const PROBE_JITTER = 0.2;

/** Most probes wait no longer than the device used to take; each fourth as long as it may. */
const PROBES_UNTIL_LONG = 4;

/** Whether the next probe is short: a dead device costs its bus less, a slower one is found again. */
export const isShortProbe = ({ failedProbes }: DeviceHealth): boolean =>
  failedProbes % PROBES_UNTIL_LONG !== PROBES_UNTIL_LONG - 1;

/** What may follow what. */
export const HEALTH_MOVES = {
  HEALTHY: ['SUSPECT'],
  SUSPECT: ['HEALTHY', 'DEMOTED'],
  DEMOTED: ['HEALTHY'],
} as const satisfies Record<HealthState, readonly HealthState[]>;

/**
 * One poll or probe has ended. A bus that is down says nothing about its devices: it is no event
 * here. `random` gives [0, 1).
 */
export function stepHealth(
  health: DeviceHealth,
  event: 'answered' | 'silent',
  nowMs: number,
  random: () => number,
): DeviceHealth {
  if (event === 'answered') {
    const answers = Math.min(PROVEN_ANSWERS, health.state === 'HEALTHY' ? health.answers + 1 : 1);
    return { ...HEALTHY, answers };
  }
  const failedCycles = health.failedCycles + 1;
  if (failedCycles < FAILED_CYCLES_MAX)
    return { ...HEALTHY, state: 'SUSPECT', failedCycles, answers: 0 };
  const failedProbes = health.state === 'DEMOTED' ? health.failedProbes + 1 : 0;
  const waitMs = Math.min(PROBE_MS_MAX, PROBE_MS_MIN * 2 ** failedProbes);
  const jitter = 1 + PROBE_JITTER * (2 * random() - 1);
  const nextProbeMs = nowMs + waitMs * jitter;
  return { state: 'DEMOTED', failedCycles, failedProbes, nextProbeMs, answers: 0 };
}
