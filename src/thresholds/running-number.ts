import type { AppliedLimit, LimitKind } from '../model/limits.ts';
import { SECOND_MS } from '../model/time.ts';
import { wbgtLimitC } from './limits/wbgt-limit.ts';
import { CELL_SECONDS } from './minute-cell.ts';
import type { ProgressRow } from './progress-row.ts';
import { levelOf, lowerPart, quantityOf, SHIFT_BASE_S } from './quantity.ts';
import { definitionLimitAt, isComposite } from './rule-definition.ts';
import type { InputLimit, InputProfile } from './rule-inputs.ts';
import type { RulePlan } from './rule-plan.ts';
import { uncertaintyAt, windowUncertainty } from './uncertainty.ts';
import { exceeds } from './verdict.ts';
import { favourableHeat } from './wbgt.ts';

/** A running rule, the limits that it is held against, and the instrument that feeds it now. */
export interface RunningRule {
  readonly plan: RulePlan;
  readonly limits: readonly InputLimit[];
  readonly progress: ProgressRow;
  readonly profile: InputProfile;
}

/** Kinds whose number can be followed by minutes; the others stand nowhere until their shift is judged. */
const RUNNING_KINDS: readonly LimitKind[] = ['MAC', 'PC_STEL', 'PC_TWA', 'LEX_8H', 'WBGT'];

export const isFollowed = (plan: RulePlan): boolean =>
  RUNNING_KINDS.includes(plan.subject.limitKind) && !isComposite(plan);

/** The limit that the number of the moment is held against; undefined: none in force. */
export function runningLimit({
  plan,
  limits,
  progress,
}: Pick<RunningRule, 'plan' | 'limits' | 'progress'>): AppliedLimit | undefined {
  const { limitKind, shift } = plan.subject;
  const endMs = (progress.minute + 1) * CELL_SECONDS * SECOND_MS;
  const atMs = progress.width > 0 ? endMs - SECOND_MS : shift.startMs;
  const limit = definitionLimitAt(limits, atMs) ?? undefined;
  if (limit === undefined || limitKind !== 'WBGT') return limit;
  const value = wbgtLimitC(plan.wbgtRows, progress.contactMinutes * CELL_SECONDS);
  return value === undefined ? undefined : { ...limit, value };
}

/**
 * What the rule's number is after the last minute taken, what is missing and T counting as nothing, in the
 * limit's unit; null: nothing seen.
 */
export function runningNumber(rule: RunningRule): number | null {
  const { progress, plan } = rule;
  if (plan.subject.limitKind === 'WBGT') {
    return progress.counted === 0 ? null : progress.lower / progress.counted;
  }
  const { covered, lower } = progress.width > 0 ? progress.windowSums() : progress;
  return covered === 0 ? null : numberOf(rule, lower * contactShare(rule));
}

/** DECLARED_MINUTES: shown as if the declared minutes were like the rest of the shift. */
const contactShare = ({ plan, progress }: RunningRule): number =>
  plan.declaredMinutes === null ? 1 : Math.min(1, plan.declaredMinutes / progress.contactMinutes);

function numberOf({ plan, progress }: RunningRule, sum: number): number {
  const mean = sum / (progress.width > 0 ? progress.width * CELL_SECONDS : SHIFT_BASE_S);
  return plan.subject.limitKind === 'LEX_8H' ? levelOf(mean) : mean;
}

/**
 * Whether, T seconds counted as if they held, the exceedance may be certain after the last minute taken:
 * then it is worth asking `evaluateRule`, which decides.
 */
export function mayBeCertain(rule: RunningRule): boolean {
  const { plan, progress, profile } = rule;
  const limit = runningLimit(rule);
  const uncertainty = windowUncertainty([profile]);
  if (limit === undefined || uncertainty === null) return false;
  const quantity = quantityOf(plan.subject.limitKind);
  const saturatedPart = lowerPart(profile.range[1], quantity, profile);
  if (quantity === 'heat') {
    const heat = favourableHeat(heatSums(progress, saturatedPart), plan.wbgtRows);
    if (heat === undefined) return false;
    return exceeds(heat.meanC - uncertaintyAt(uncertainty, heat.meanC), heat.limitC);
  }
  const { lower, saturated } = progress.width > 0 ? progress.windowSums() : progress;
  // Summed in another order than the rule's own: a last bit must not keep it from being asked.
  const value = numberOf(rule, (lower + saturated * saturatedPart) * (1 + 1e-12));
  return exceeds(value - uncertaintyAt(uncertainty, value), limit.value);
}

function heatSums(progress: ProgressRow, saturatedPart: number) {
  const contactSeconds = progress.contactMinutes * CELL_SECONDS;
  const { covered, counted, saturated, lower } = progress;
  return {
    sum: lower + saturated * saturatedPart,
    seconds: counted + saturated,
    seenSum: 0,
    seenSeconds: covered,
    missingSeconds: contactSeconds - covered - saturated,
    contactSeconds,
  };
}
