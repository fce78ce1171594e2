import { estimatedSum, evaluateIntegral, sumShift } from './integral.ts';
import { noiseGrade, noiseNotes } from './noise-grade.ts';
import { levelOf, SHIFT_BASE_S } from './quantity.ts';
import type { RuleOutcome, RuleQuestion } from './rule-outcome.ts';
import { earlierSums, weeklyMean } from './weekly-sum.ts';

/**
 * The weekly form of LEX for crews that don't work 5 days a week (GBZ 2.2-2007 11.2): over the cycle of
 * the roster, at most 4 weeks, judged with its last shift. Before that it claims nothing.
 */
export function lexWeek(question: RuleQuestion): RuleOutcome | undefined {
  const { inputs, table } = question;
  const { cycle } = inputs;
  if (cycle === undefined) return undefined;
  const toLevel = (sum: number): number => levelOf(weeklyMean(sum, cycle));
  const outcome = evaluateIntegral(question, toLevel, earlierSums(cycle));
  if (outcome === undefined) return undefined;
  const day = sumShift(question, table.length);
  const daySum = estimatedSum(day);
  const startMs = cycle.earlier[0]?.startMs ?? outcome.window.startMs;
  const judged: RuleOutcome = {
    ...outcome,
    window: { ...outcome.window, startMs },
    details: {
      cycleDays: cycle.days,
      cycleShifts: cycle.earlier.length + 1,
      lex8hLowerBound: levelOf(day.lower / SHIFT_BASE_S),
      ...(daySum === null ? {} : { lex8hEstimate: levelOf(daySum / SHIFT_BASE_S) }),
      ...noiseGrade(outcome.window.estimate),
    },
    notes: noiseNotes(outcome.window),
  };
  if (cycle.isLast) return judged;
  return { ...judged, verdict: 'indeterminate', episodes: [], notes: ['cycle-running'] };
}
