import { MINUTE_MS } from '../../model/time.ts';
import type { Detector } from './detector.ts';
import { COUNT_SLOTS, countOfDay } from './minutes-of-day.ts';

/** A closed minute in which a post produced, with no shift of any crew there. */
export interface UnplannedMinute {
  readonly minute: number;
}

/**
 * A post produces, and by the registry nobody is there: what is measured then is judged for nobody. Starting up and running
 * down take their time; more than that is a shift that was not told.
 */
export const unplannedWork: Detector<UnplannedMinute> = {
  kind: 'UNPLANNED_WORK',
  slots: COUNT_SLOTS,
  see({ minute }, memory, at, { unplannedWork: { minutes } }) {
    const first = countOfDay(memory, at, minute, minutes);
    return first === undefined ? undefined : { fromMs: first * MINUTE_MS, detail: { minutes } };
  },
};
