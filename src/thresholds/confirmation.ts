import { CELL_SECONDS } from './minute-cell.ts';
import { exposedSecondsAt } from './minute-counts.ts';
import { type MinuteTable, NO_CONTACT } from './minute-table.ts';
import type { InputProfile } from './rule-inputs.ts';

export const CONFIRMATION_MINUTES_MAX = 15;

/**
 * Width of the confirmation mean: max(T90, 60 s) rounded up to whole minutes, at most 15. "At any time"
 * (GBZ 2.1-2019) is read as no shorter than the instrument can answer: one raw spike can be noise.
 */
export function confirmationMinutes(profiles: readonly Pick<InputProfile, 't90S'>[]): number {
  const t90S = Math.max(0, ...profiles.map((profile) => profile.t90S));
  return Math.min(CONFIRMATION_MINUTES_MAX, Math.max(1, Math.ceil(t90S / CELL_SECONDS)));
}

/** The confirmation mean that ends with a minute. */
export interface ConfirmationMean {
  /** Missing counts as 0. */
  readonly lowerBound: number;
  /** Mean of what was seen; null: under 75 % of the window. */
  readonly estimate: number | null;
  /** Every second was seen. */
  readonly isComplete: boolean;
}

/** Documented time without contact: nobody is exposed, and that is known. */
const NO_EXPOSURE: ConfirmationMean = { lowerBound: 0, estimate: 0, isComplete: true };
const UNSEEN: ConfirmationMean = { lowerBound: 0, estimate: null, isComplete: false };

/**
 * The mean over `width` minutes up to and with each minute of the table, from the minutes up to index
 * `last`. A window that reaches out of contact says nothing.
 */
export function confirmationMeans(
  table: MinuteTable,
  width: number,
  last: number,
): readonly ConfirmationMean[] {
  const saturated = new Float64Array(table.length);
  for (const { index, resolvedIndex, sum } of table.saturated) {
    if (resolvedIndex <= last) saturated[index]! += sum;
  }
  const means: ConfirmationMean[] = [];
  let inContact = 0;
  for (let index = 0; index < table.length; index++) {
    inContact = table.contact[index] === NO_CONTACT ? 0 : inContact + 1;
    if (inContact === 0) means.push(NO_EXPOSURE);
    else if (inContact < width || index > last) means.push(UNSEEN);
    else means.push(meanOf(table, saturated, index - width + 1, index));
  }
  return means;
}

function meanOf(
  table: MinuteTable,
  saturated: Float64Array,
  from: number,
  to: number,
): ConfirmationMean {
  let lower = 0;
  let seen = 0;
  let covered = 0;
  let exposedS = 0;
  for (let i = from; i <= to; i++) {
    exposedS += exposedSecondsAt(table, i);
    lower += table.lower[i]! + saturated[i]!;
    seen += table.estimate[i]!;
    covered += table.covered[i]!;
  }
  const windowS = (to - from + 1) * CELL_SECONDS;
  const lowerBound = lower / windowS;
  if (exposedS === 0) return NO_EXPOSURE;
  const isEnough = covered > 0 && covered >= 0.75 * exposedS;
  const mean = isEnough ? (seen / covered) * (exposedS / windowS) : 0;
  return {
    lowerBound,
    estimate: isEnough ? Math.max(mean, lowerBound) : null,
    isComplete: covered === exposedS,
  };
}
