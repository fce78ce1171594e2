import { MINUTE_MS } from '../../model/time.ts';
import type { ClosedMinute } from './closed-minute.ts';
import type { Detector } from './detector.ts';

const WINDOW_MINUTES = 15;

const LAST = 0;
const BAD = 1;

/**
 * Values flagged normal that the instrument can't measure, again and again: a broken sensor, a wrong
 * range or scale in the registry. Such seconds are no proof in any case (design §5); this tells why.
 */
export const outOfRange: Detector<ClosedMinute> = {
  kind: 'OUT_OF_RANGE',
  /** Last minute seen; bad minutes of the last 15 as bits, negative once told until none is left. */
  slots: 2,
  see(seen, memory, at, settings) {
    const { seconds, minutes } = settings.outOfRange;
    const wasTold = memory[at + BAD]! < 0;
    const passed = Math.min(seen.minute - memory[at + LAST]!, WINDOW_MINUTES);
    const kept = (Math.abs(memory[at + BAD]!) << passed) & ((1 << WINDOW_MINUTES) - 1);
    const bits = kept | (seen.outOfRange >= seconds ? 1 : 0);
    memory[at + LAST] = seen.minute;
    memory[at + BAD] = wasTold ? -bits : bits;
    const count = ones(bits);
    if (wasTold || count < minutes) return undefined;
    memory[at + BAD] = -bits;
    const first = seen.minute - (31 - Math.clz32(bits));
    return { fromMs: first * MINUTE_MS, detail: { minutes: count } };
  },
};

function ones(bits: number): number {
  let count = 0;
  for (let rest = bits; rest !== 0; rest &= rest - 1) count++;
  return count;
}
