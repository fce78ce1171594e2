import type { RuleSubject, Standing } from '../model/exposure.ts';
import type { AppliedLimit } from '../model/limits.ts';
import { distance } from './evaluate-rule.ts';
import { resultKeyOf } from './result-key.ts';
import { exceeds } from './verdict.ts';

/**
 * Where an early warning starts (design §5, pitfalls Q28): half of a concentration's limit, "noise work"
 * at 80 dB(A), 1 °C below the limit of heat. Never a share of a decibel or a degree.
 */
const NOISE_WARNING_DBA = 80;
const HEAT_WARNING_C = 1;

export function warningLevel(limit: AppliedLimit): number {
  if (limit.unit === 'dB(A)') return NOISE_WARNING_DBA;
  if (limit.unit === 'degC') return limit.value - HEAT_WARNING_C;
  return limit.value / 2;
}

/** What a rule's number is, and what it will be, in the limit's unit; null: nothing, too little seen. */
export type RunningNumbers = Pick<Standing, 'current' | 'projected'>;

/** Where a number stands against its limit. `near` begins with a projection above the limit as well. */
export function standingState(
  { current, projected }: RunningNumbers,
  limit: AppliedLimit,
): Standing['state'] {
  if (current === null) return 'no-data';
  if (exceeds(current, limit.value)) return 'over';
  const willExceed = projected !== null && exceeds(projected, limit.value);
  return willExceed || current >= warningLevel(limit) ? 'near' : 'below';
}

/** The running rule as it stands after the minute before `asOfMs`. */
export function standingOf(
  subject: RuleSubject,
  limit: AppliedLimit,
  { current, projected }: RunningNumbers,
  asOfMs: number,
): Standing {
  const state = standingState({ current, projected }, limit);
  const resultKey = resultKeyOf(subject);
  const common = { resultKey, subject, limit, asOfMs, current, projected };
  return current === null
    ? { ...common, ratio: null, difference: null, state }
    : { ...common, ...distance(limit, current), state };
}
