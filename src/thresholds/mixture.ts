import { evaluateIntegral } from './integral.ts';
import { SHIFT_BASE_S } from './quantity.ts';
import type { RuleOutcome, RuleQuestion } from './rule-outcome.ts';

/**
 * I = Σ C_TWA,i / L_i for factors declared to act together; exactly 1 complies (GBZ 2.1-2019). Each
 * channel's unit factor holds its 1/L, and what one of them missed counts as 0. RECOMMENDED: at most
 * `suspected`, with U = Σ Uᵢ/Lᵢ.
 */
export const mixture = (question: RuleQuestion): RuleOutcome | undefined =>
  evaluateIntegral(question, (sum) => sum / SHIFT_BASE_S);
