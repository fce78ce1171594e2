import { MINUTE_MS } from '../../model/time.ts';
import { CELL_SECONDS, type MinuteCell } from '../minute-cell.ts';
import { secondLetter } from '../second-state.ts';
import type { Detector } from './detector.ts';

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

const DAY_MINUTES = 1_440;

const FIRST = 0;
const MINUTES = 1;

/**
 * Readings taken out of the proof by a flag, for longer than a check of the sensor takes, with no record of what was done:
 * what is flagged just while it is high costs coverage, and need not cost enough of it to show.
 */
export const unexplainedFlags: Detector<FlaggedMinute> = {
  kind: 'UNEXPLAINED_FLAGS',
  /** First such minute of the UTC day, and how many there were; negative once told. */
  slots: 2,
  see({ minute, flaggedSeconds: flagged, isMarked }, memory, at, settings) {
    const { seconds, minutes: minutesMin } = settings.unexplainedFlags;
    if (flagged < seconds || isMarked) return undefined;
    const isSameDay = dayOf(memory[at + FIRST]!) === dayOf(minute);
    if (!isSameDay) {
      memory[at + FIRST] = minute;
      memory[at + MINUTES] = 0;
    }
    if (memory[at + MINUTES]! < 0) return undefined;
    const minutes = memory[at + MINUTES]! + 1;
    memory[at + MINUTES] = minutes;
    if (minutes < minutesMin) return undefined;
    memory[at + MINUTES] = -minutes;
    return { fromMs: memory[at + FIRST]! * MINUTE_MS, detail: { minutes } };
  },
};

const dayOf = (minute: number): number => Math.floor(minute / DAY_MINUTES);
