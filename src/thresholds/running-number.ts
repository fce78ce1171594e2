import type { AppliedLimit, LimitKind } from '../model/limits.ts';
import { SECOND_MS } from '../model/time.ts';
import { wbgtLimitC } from './limits/wbgt-limit.ts';
import { CELL_SECONDS } from './minute-cell.ts';
import { levelOf, SHIFT_BASE_S } from './quantity.ts';
import { definitionLimitAt, isComposite, type RuleDefinition } from './rule-definition.ts';
import type { InputProfile } from './rule-inputs.ts';
import {
  COUNTED,
  COVERED,
  LOWER,
  type RuleProgress,
  SATURATED,
  SATURATED_SECONDS,
  windowSum,
} from './rule-progress.ts';
import { uncertaintyAt, windowUncertainty } from './uncertainty.ts';
import { exceeds } from './verdict.ts';
import { favourableHeat } from './wbgt.ts';

/** A running rule and the instrument that feeds it now. */
export interface RunningRule {
  readonly definition: RuleDefinition;
  readonly progress: RuleProgress;
  readonly profile: InputProfile;
}

/** Kinds whose number can be followed by minutes; the others stand nowhere until their shift is judged. */
const RUNNING_KINDS: readonly LimitKind[] = ['MAC', 'PC_STEL', 'PC_TWA', 'LEX_8H', 'WBGT'];

export const isFollowed = (definition: RuleDefinition): boolean =>
  RUNNING_KINDS.includes(definition.subject.limitKind) && !isComposite(definition);

/** The limit that the number of the moment is held against; undefined: none in force. */
export function runningLimit({
  definition,
  progress,
}: Pick<RunningRule, 'definition' | 'progress'>): AppliedLimit | undefined {
  const { limitKind, shift } = definition.subject;
  const endMs = (progress.startMinute + progress.through + 1) * CELL_SECONDS * SECOND_MS;
  const atMs = progress.width > 0 ? endMs - SECOND_MS : shift.startMs;
  const limit = definitionLimitAt(definition.limits, atMs) ?? undefined;
  if (limit === undefined || limitKind !== 'WBGT') return limit;
  const value = wbgtLimitC(definition.wbgtRows, progress.contactMinutes * CELL_SECONDS);
  return value === undefined ? undefined : { ...limit, value };
}

/**
 * What the rule's number is after the last minute taken, what is missing and T counting as nothing, in the
 * limit's unit; null: nothing seen.
 */
export function runningNumber(rule: RunningRule): number | null {
  const { progress, definition } = rule;
  const { sums, width } = progress;
  if (definition.subject.limitKind === 'WBGT') {
    return sums[COUNTED] === 0 ? null : sums[LOWER]! / sums[COUNTED]!;
  }
  const covered = width > 0 ? windowSum(progress, COVERED) : sums[COVERED]!;
  const lower = width > 0 ? windowSum(progress, LOWER) : sums[LOWER]!;
  return covered === 0 ? null : numberOf(rule, lower * contactShare(rule));
}

/** DECLARED_MINUTES: shown as if the declared minutes were like the rest of the shift. */
const contactShare = ({ definition, progress }: RunningRule): number =>
  definition.declaredMinutes === null
    ? 1
    : Math.min(1, definition.declaredMinutes / progress.contactMinutes);

function numberOf({ definition, progress }: RunningRule, sum: number): number {
  const mean = sum / (progress.width > 0 ? progress.width * CELL_SECONDS : SHIFT_BASE_S);
  return definition.subject.limitKind === 'LEX_8H' ? levelOf(mean) : mean;
}

/**
 * Whether, T seconds counted as if they held, the exceedance may be certain after the last minute taken:
 * then it is worth asking `evaluateRule`, which decides.
 */
export function mayBeCertain(rule: RunningRule): boolean {
  const { definition, progress, profile } = rule;
  const limit = runningLimit(rule);
  const uncertainty = windowUncertainty([profile]);
  if (limit === undefined || uncertainty === null) return false;
  if (definition.subject.limitKind === 'WBGT') {
    const heat = favourableHeat(heatSums(progress), definition.wbgtRows);
    if (heat === undefined) return false;
    return exceeds(heat.meanC - uncertaintyAt(uncertainty, heat.meanC), heat.limitC);
  }
  const { sums, width } = progress;
  const sum =
    width > 0
      ? windowSum(progress, LOWER) + windowSum(progress, SATURATED)
      : sums[LOWER]! + sums[SATURATED]!;
  // Summed in another order than the rule's own: a last bit must not keep it from being asked.
  const value = numberOf(rule, sum * (1 + 1e-12));
  return exceeds(value - uncertaintyAt(uncertainty, value), limit.value);
}

function heatSums({ sums, contactMinutes }: RuleProgress) {
  const contactSeconds = contactMinutes * CELL_SECONDS;
  const seenSeconds = sums[COVERED]!;
  return {
    sum: sums[LOWER]! + sums[SATURATED]!,
    seconds: sums[COUNTED]! + sums[SATURATED_SECONDS]!,
    seenSum: 0,
    seenSeconds,
    missingSeconds: contactSeconds - seenSeconds - sums[SATURATED_SECONDS]!,
    contactSeconds,
  };
}
