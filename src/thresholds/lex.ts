import { evaluateIntegral } from './integral.ts';
import { noiseGrade, noiseNotes } from './noise-grade.ts';
import { levelOf, SHIFT_BASE_S } from './quantity.ts';
import type { RuleOutcome, RuleQuestion } from './rule-outcome.ts';

/**
 * LEX,8h = 10 lg(1/8 h · ∫ 10^(0.1 LA) dt), no threshold, exact 3 dB exchange (GBZ 2.2-2007 11.2,
 * GBZ/T 189.8). For crews on 5 days a week.
 */
export function lex(question: RuleQuestion): RuleOutcome | undefined {
  const outcome = evaluateIntegral(question, (sum) => levelOf(sum / SHIFT_BASE_S));
  return (
    outcome && {
      ...outcome,
      details: noiseGrade(outcome.window.estimate),
      notes: noiseNotes(outcome.window),
    }
  );
}
