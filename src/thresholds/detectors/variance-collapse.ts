import { MINUTE_MS } from '../../model/time.ts';
import type { ClosedMinute } from './closed-minute.ts';
import type { Detector } from './detector.ts';
import { isPresent } from './flat-line.ts';

/** What is usual is learnt over about a day. */
const MEMORY_MINUTES = 1_440;

const USUAL = 0;
const LEARNT = 1;
const SINCE = 2;

/**
 * The value still moves, but hardly: a sensor wrapped up or put in a drawer, a smoothed or invented
 * series. Held against the channel's own usual change from one minute to the next.
 */
export const varianceCollapse: Detector<ClosedMinute> = {
  kind: 'VARIANCE_COLLAPSE',
  /** Usual change, minutes it was learnt from, first calm minute (negative once told; 0: none). */
  slots: 3,
  see(seen, memory, at, settings) {
    const change = Math.abs(seen.mean - seen.before);
    if (Number.isNaN(change) || !isPresent(seen, settings)) {
      memory[at + SINCE] = 0;
      return undefined;
    }
    const usual = memory[at + USUAL]!;
    const learnt = memory[at + LEARNT]!;
    const { minutes, share, learnMinutes } = settings.varianceCollapse;
    memory[at + LEARNT] = Math.min(learnt + 1, MEMORY_MINUTES);
    memory[at + USUAL] = usual + (change - usual) / memory[at + LEARNT]!;
    if (learnt < learnMinutes || change >= share * usual) {
      memory[at + SINCE] = 0;
      return undefined;
    }
    if (memory[at + SINCE] === 0) memory[at + SINCE] = seen.minute;
    const since = memory[at + SINCE]!;
    const calm = seen.minute - since + 1;
    if (since < 0 || calm < minutes[seen.quantity]) return undefined;
    memory[at + SINCE] = -since;
    return { fromMs: since * MINUTE_MS, detail: { minutes: calm, usualChange: usual } };
  },
};
