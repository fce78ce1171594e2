import { MINUTE_MS } from '../../model/time.ts';
import type { ClosedMinute } from './closed-minute.ts';
import type { Detector } from './detector.ts';
import type { DetectorSettings } from './settings.ts';

/** Minutes after one that was told before another is. */
const QUIET_MINUTES = 60;

/**
 * The value changes faster than the quantity, or the instrument, can: a swapped sensor, a wrong scale, a
 * value by hand. A leak is fast too, so a concentration is held against its sensor's own T90.
 */
export const jump: Detector<ClosedMinute> = {
  kind: 'JUMP',
  /** Minute told last. */
  slots: 1,
  see(seen, memory, at, settings) {
    const change = Math.abs(seen.mean - seen.before);
    const span = seen.range[1] - seen.range[0];
    const isTooFast = seen.stepNeeded > settings.jump.steps * span;
    if (!isTooFast && !(change > changeMax(seen, span, settings))) return undefined;
    if (seen.minute - memory[at]! < QUIET_MINUTES) return undefined;
    memory[at] = seen.minute;
    const detail = isTooFast
      ? { reason: 'faster-than-t90', stepNeeded: seen.stepNeeded }
      : { reason: 'between-minutes', change };
    return { fromMs: seen.minute * MINUTE_MS, detail };
  },
};

function changeMax(
  { quantity }: ClosedMinute,
  span: number,
  { jump: { levelDb, heatC, rangeShare } }: DetectorSettings,
): number {
  if (quantity === 'level') return levelDb;
  return quantity === 'heat' ? heatC : rangeShare * span;
}
