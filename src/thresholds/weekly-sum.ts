import { HOUR_MS, SECOND_MS } from '../model/time.ts';
import { addSums, type ContactSums, NO_SUMS } from './integral.ts';
import type { InputCycle } from './rule-inputs.ts';

const WEEK_BASE_S = (40 * HOUR_MS) / SECOND_MS;
const WEEK_DAYS = 7;

/** What the shifts of the cycle before this one add up to. */
export const earlierSums = ({ earlier }: InputCycle): ContactSums =>
  earlier.reduce<ContactSums>((total, shift) => addSums(total, shift), NO_SUMS);

/** Seconds of contact that the plan has in the whole cycle. */
export const cycleContactSeconds = ({
  days,
  hoursPerWeek,
}: Pick<InputCycle, 'days' | 'hoursPerWeek'>): number =>
  ((hoursPerWeek * HOUR_MS) / SECOND_MS) * (days / WEEK_DAYS);

/**
 * A sum over the roster's cycle as the mean of 40 h a week: always divided by five days of 8 h a week,
 * however many were worked (GBZ/T 189.8; GBZ 2.1-2019 on the 40 h week).
 */
export const weeklyMean = (sum: number, { days }: Pick<InputCycle, 'days'>): number =>
  sum / (WEEK_BASE_S * (days / WEEK_DAYS));
