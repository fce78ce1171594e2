import { HOUR_MS, SECOND_MS } from '../model/time.ts';
import { concentrationFacts } from './control-class.ts';
import { addSums, type ContactSums, estimatedSum, evaluateIntegral, sumShift } from './integral.ts';
import { SHIFT_BASE_S } from './quantity.ts';
import { reductionFactor } from './reduction-factor.ts';
import type { RuleOutcome, RuleQuestion } from './rule-outcome.ts';
import { exceeds } from './verdict.ts';
import { earlierSums, weeklyMean } from './weekly-sum.ts';

const HOUR_S = HOUR_MS / SECOND_MS;
const MINUTES_PER_HOUR = 60;

/** A further form of PC-TWA beside C_TWA,8: it can give `suspected`, never more, and excuses nothing. */
interface FurtherForm {
  readonly details: Readonly<Record<string, number>>;
  readonly isAbove: boolean;
  readonly note: string;
}

/**
 * C_TWA = Σ C·T / 8 h, also for shorter and longer shifts (GBZ 2.1-2019; GBZ 159): this number judges.
 * Of long shifts the shift's mean against RF·L, and over a roster's cycle the mean of 40 h a week, give
 * at most `suspected`; C_TWA,8 against RF·L is information.
 */
export function twa(question: RuleQuestion): RuleOutcome | undefined {
  const outcome = evaluateIntegral(question, (sum) => sum / SHIFT_BASE_S);
  if (outcome === undefined) return undefined;
  const sums = sumShift(question, question.table.length);
  const limit = outcome.limit.value;
  const facts = concentrationFacts(question.inputs, outcome.window, limit);
  const forms = [longShift(question, sums, limit), weekly(question, sums, limit)].filter(
    (form) => form !== undefined,
  );
  const above = forms.filter(({ isAbove }) => isAbove);
  return {
    ...outcome,
    verdict: above.length > 0 && outcome.verdict !== 'exceeded' ? 'suspected' : outcome.verdict,
    details: Object.assign({}, facts.details, ...forms.map(({ details }) => details)),
    notes: [...facts.notes, ...above.map(({ note }) => note)],
  };
}

/** Brief & Scala for more than 8 h a day or 40 h a week, GBZ 2.1-2019 A.7. */
function longShift(
  { inputs, table }: RuleQuestion,
  sums: ContactSums,
  limit: number,
): FurtherForm | undefined {
  const hours = (inputs.workMinutes ?? table.contactMinutes) / MINUTES_PER_HOUR;
  const factor = reductionFactor(hours, inputs.cycle?.hoursPerWeek);
  if (factor === undefined) return undefined;
  const estimate = Math.max(estimatedSum(sums) ?? 0, sums.lower);
  const meanRatio = (sum: number): number => sum / (hours * HOUR_S) / (factor * limit);
  return {
    details: {
      reductionFactor: factor,
      shiftMeanOverReducedLimit: meanRatio(estimate),
      cTwa8OverReducedLimit: estimate / SHIFT_BASE_S / (factor * limit),
    },
    isAbove: exceeds(meanRatio(estimate), 1),
    note: 'long-shift',
  };
}

/** Weighted over the 40 h week as well; a quiet day never excuses one above PC-TWA. */
function weekly(
  { inputs }: RuleQuestion,
  sums: ContactSums,
  limit: number,
): FurtherForm | undefined {
  const { cycle } = inputs;
  if (cycle === undefined || !cycle.isLast || cycle.earlier.length === 0) return undefined;
  const all = addSums(earlierSums(cycle), sums);
  const estimate = estimatedSum(all);
  const lowerBound = weeklyMean(all.lower, cycle);
  return {
    details: {
      weeklyLowerBound: lowerBound,
      ...(estimate === null ? {} : { weeklyEstimate: weeklyMean(estimate, cycle) }),
    },
    isAbove: exceeds(Math.max(lowerBound, weeklyMean(estimate ?? 0, cycle)), limit),
    note: 'weekly-form',
  };
}
