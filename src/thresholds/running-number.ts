import type { AppliedLimit, LimitKind } from '../model/limits.ts';
import { SECOND_MS } from '../model/time.ts';
import { wbgtLimitC } from './limits/wbgt-limit.ts';
import { CELL_SECONDS } from './minute-cell.ts';
import type { ProgressRow } from './progress-row.ts';
import { projectedSum } from './projection.ts';
import { levelOf, lowerPart, quantityOf, SHIFT_BASE_S } from './quantity.ts';
import { definitionLimitAt, isComposite } from './rule-definition.ts';
import type { InputLimit, InputProfile, Interval } from './rule-inputs.ts';
import type { RulePlan } from './rule-plan.ts';
import { uncertaintyAt, windowUncertainty } from './uncertainty.ts';
import { exceeds } from './verdict.ts';
import { favourableHeat } from './wbgt.ts';
import { weeklyMean } from './weekly-sum.ts';

/** A running rule, the limits that it is held against, and the instrument that feeds it now. */
export interface RunningRule {
  readonly plan: RulePlan;
  readonly limits: readonly InputLimit[];
  readonly progress: ProgressRow;
  readonly profile: InputProfile;
}

/** Kinds whose number can be followed by minutes; the others stand nowhere until their shift is judged. */
const RUNNING_KINDS: readonly LimitKind[] = ['MAC', 'PC_STEL', 'PC_TWA', 'LEX_8H', 'WBGT'];

/** Rules that are looked at now and then by all their inputs: of several channels, or over a cycle. */
export const isLookedAt = (plan: RulePlan): boolean =>
  isComposite(plan) || (plan.subject.limitKind === 'LEX_W' && plan.cycle !== null);

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

const numberOf = ({ plan, progress }: RunningRule, sum: number): number =>
  numberOfSum(plan, progress.width, sum);

/** A sum in the limit's unit; `width`: minutes of a sliding window, 0: the shift (the cycle) as a whole. */
export function numberOfSum(
  { subject, cycle }: Pick<RulePlan, 'cycle'> & { readonly subject: { limitKind: LimitKind } },
  width: number,
  sum: number,
): number {
  if (width > 0) return sum / (width * CELL_SECONDS);
  if (subject.limitKind === 'LEX_W' && cycle !== null) return levelOf(weeklyMean(sum, cycle));
  const mean = sum / SHIFT_BASE_S;
  return subject.limitKind === 'LEX_8H' ? levelOf(mean) : mean;
}

/**
 * What the number will be when all contact of the shift has passed, if the rest is like what was seen; null:
 * too little was, or the number is none that adds up.
 */
export function projectedNumber(rule: RunningRule): number | null {
  const { plan, progress } = rule;
  if (!isSummed(plan.subject.limitKind)) return null;
  const untilMs = (progress.minute + 1) * CELL_SECONDS * SECOND_MS;
  const sum = projectedSum({
    seen: progress.lower,
    coveredSeconds: progress.covered,
    elapsedSeconds: secondsUntil(plan.contact, untilMs),
    wholeSeconds: progress.contactMinutes * CELL_SECONDS * contactShare(rule),
  });
  return sum === null ? null : numberOf(rule, sum);
}

/** Kinds whose number adds up through the shift. */
export const isSummed = (kind: LimitKind): boolean => SUMMED_KINDS.includes(kind);
const SUMMED_KINDS: readonly LimitKind[] = ['PC_TWA', 'LEX_8H', 'LEX_W', 'MIXTURE'];

/** Seconds of contact before a time. */
export const secondsUntil = (contact: readonly Interval[], atMs: number): number =>
  contact.reduce((sum, [from, until]) => sum + Math.max(0, Math.min(until, atMs) - from), 0) /
  SECOND_MS;

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
