import type { Verdict } from '../model/exposure.ts';
import { addSums, estimatedSum, evaluateIntegral, hasConflicts, sumShift } from './integral.ts';
import { noiseGrade, noiseNotes } from './noise-grade.ts';
import { levelOf, SHIFT_BASE_S } from './quantity.ts';
import { limitAt, type RuleOutcome, type RuleQuestion } from './rule-outcome.ts';
import { judgeWindow } from './verdict.ts';
import { earlierSums, weeklyMean } from './weekly-sum.ts';

/**
 * The weekly form of LEX for crews that don't work 5 days a week (GBZ 2.2-2007 11.2): over the cycle of
 * the roster, at most 4 weeks, judged with its last shift. The sum only grows, so what is above the limit
 * before that stays above it: the shift that brought it there says so, and no other shift but the last.
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
  const isAbove = judged.verdict === 'exceeded' || judged.verdict === 'suspected';
  if (isAbove && judged.verdict !== verdictBefore(question, toLevel)) {
    return { ...judged, notes: [...(judged.notes ?? []), 'cycle-running'] };
  }
  return { ...judged, verdict: 'indeterminate', episodes: [], notes: ['cycle-running'] };
}

/** What the shifts before this one say by themselves. */
function verdictBefore(
  question: RuleQuestion,
  toLevel: (sum: number) => number,
): Verdict | undefined {
  const { inputs, table, uncertainty } = question;
  const { cycle, subject } = inputs;
  const limit = limitAt(inputs, subject.shift.startMs);
  if (cycle === undefined || limit === null) return undefined;
  const sums = earlierSums(cycle);
  const estimated = estimatedSum(sums);
  const bounds = {
    lowerBound: toLevel(sums.lower),
    estimate: estimated === null ? null : toLevel(estimated),
  };
  const isCapped =
    question.isCapped(limit) || hasConflicts(addSums(sums, sumShift(question, table.length)));
  return judgeWindow(bounds, limit.value, uncertainty, isCapped);
}
