import { MINUTE_MS } from '../../model/time.ts';
import type { ClosedMinute } from './closed-minute.ts';
import { type Detector, isSame } from './detector.ts';
import type { DetectorSettings } from './settings.ts';

/**
 * The value stands still for longer than air, sound or heat do: a stuck sensor, a held register, a value
 * put in its place. Clean air is level too, so a concentration counts from a share of the range upwards.
 */
export const flatLine: Detector<ClosedMinute> = {
  kind: 'FLAT_LINE',
  /** First minute that stands still, negative once told; 0: none. */
  slots: 1,
  see(seen, memory, at, settings) {
    const isFlat =
      isSame(seen.mean, seen.before) && isSame(seen.mean, seen.max) && isPresent(seen, settings);
    if (!isFlat) {
      memory[at] = 0;
      return undefined;
    }
    if (memory[at] === 0) memory[at] = seen.minute - 1;
    const since = memory[at]!;
    const minutes = seen.minute - since + 1;
    if (since < 0 || minutes < settings.flatLine.minutes[seen.quantity]) return undefined;
    memory[at] = -since;
    return { fromMs: since * MINUTE_MS, detail: { value: seen.mean, minutes } };
  },
};

/** Whether there is something to measure: below it, nothing moves because nothing is there. */
export function isPresent(
  { quantity, mean, lod, range }: ClosedMinute,
  { flatLine: { presentShare } }: DetectorSettings,
): boolean {
  return quantity !== 'concentration' || mean > Math.max(lod, presentShare * range[1]);
}
