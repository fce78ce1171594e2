import { DAY_MS } from '../model/time.ts';

/**
 * The grid of a device: multiples of its period since 1970, in whole seconds. `at` is such a time, the
 * planned end of the interval that a reading stands for.
 */
export const gridAfter = (timeMs: number, periodMs: number): number =>
  (Math.floor(timeMs / periodMs) + 1) * periodMs;

/** A last `at` further ahead than this was stamped by a broken clock and holds nothing up. */
const AHEAD_MS_MAX = DAY_MS;

/**
 * The grid time to poll for now: the planned one, or, when that is more than half a period past, the
 * next that can still be met. What lies between is skipped, never queued.
 */
export function dueAt(plannedMs: number, nowMs: number, periodMs: number): number {
  const earliestMs = nowMs - periodMs / 2;
  if (plannedMs >= earliestMs) return plannedMs;
  return Math.ceil(earliestMs / periodMs) * periodMs;
}

/**
 * The first grid time after now and after everything that is already in the spool; or the one right
 * after the last in the spool when it can still be met: who takes over skips nothing.
 */
export function firstDueAt(nowMs: number, lastAtMs: number | null, periodMs: number): number {
  if (lastAtMs === null || lastAtMs - nowMs > AHEAD_MS_MAX) return gridAfter(nowMs, periodMs);
  const nextMs = gridAfter(lastAtMs, periodMs);
  return nextMs >= nowMs - periodMs / 2 ? nextMs : gridAfter(nowMs, periodMs);
}

/** Of the period, the part that the polls of devices are spread over. */
const SPREAD = 0.1;

/**
 * How long after the grid time a device is polled: by its name, so that the devices of many buses do not
 * all ask at the top of the second. The stamp stays on the grid.
 */
export const phaseOf = (device: string, periodMs: number): number =>
  Math.floor(nameShare(device) * SPREAD * periodMs);

/** A number in [0, 1) made of a name (FNV-1a). */
function nameShare(name: string): number {
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(name)) hash = Math.imul(hash ^ byte, 0x01000193);
  return (hash >>> 0) / 0x1_0000_0000;
}

/**
 * The grid time that a reading with this midpoint belongs to: within half a period. Null when it is
 * further off than a period: the clock was set while it was read, and nobody knows its time.
 */
export function stampOf(plannedMs: number, midpointMs: number, periodMs: number): number | null {
  const periods = (midpointMs - plannedMs) / periodMs;
  if (Math.abs(periods) > 1) return null;
  return plannedMs + Math.max(0, Math.ceil(periods - 0.5)) * periodMs;
}
