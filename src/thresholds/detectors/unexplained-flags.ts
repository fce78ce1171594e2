import { MINUTE_MS } from '../../model/time.ts';
import { CELL_SECONDS, type MinuteCell } from '../minute-cell.ts';
import { secondLetter } from '../second-state.ts';
import type { Detector } from './detector.ts';
import { COUNT_SLOTS, countOfDay } from './minutes-of-day.ts';

/** A closed minute of a channel that somebody may have kept from being proof by a flag. */
export interface FlaggedMinute {
  readonly minute: number;
  /** Seconds flagged as stopped, under maintenance, in calibration or entered by hand. */
  readonly flaggedSeconds: number;
  /** A mark on the device tells what was done in the minute. */
  readonly isMarked: boolean;
}

/** F, M, C and S of HJ 212, with a value or without: what people set, not what an instrument finds. */
const BY_PEOPLE = 'FMCSfmcs';

export function flaggedSeconds({ states }: MinuteCell): number {
  let count = 0;
  for (let second = 0; second < CELL_SECONDS; second++) {
    if (BY_PEOPLE.includes(secondLetter(states[second]!))) count++;
  }
  return count;
}

/**
 * Readings taken out of the proof by a flag, for longer than a check of the sensor takes, with no record of what was done:
 * what is flagged just while it is high costs coverage, and need not cost enough of it to show.
 */
export const unexplainedFlags: Detector<FlaggedMinute> = {
  kind: 'UNEXPLAINED_FLAGS',
  slots: COUNT_SLOTS,
  see({ minute, flaggedSeconds: flagged, isMarked }, memory, at, settings) {
    const { seconds, minutes } = settings.unexplainedFlags;
    if (flagged < seconds || isMarked) return undefined;
    const first = countOfDay(memory, at, minute, minutes);
    return first === undefined ? undefined : { fromMs: first * MINUTE_MS, detail: { minutes } };
  },
};
