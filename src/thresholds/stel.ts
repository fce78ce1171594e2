import { confirmationMeans, confirmationMinutes } from './confirmation.ts';
import { concentrationFacts } from './control-class.ts';
import { type MinuteLevel, readExcursions, readRepetition } from './excursion.ts';
import { provingProfiles } from './feed-seconds.ts';
import type { RuleOutcome, RuleQuestion } from './rule-outcome.ts';
import { evaluateSliding, type SlidingWindow } from './sliding.ts';
import { exceeds } from './verdict.ts';

export const STEL_MINUTES = 15;

/**
 * PC-STEL, GBZ 2.1-2019 6.3.2: windows [t, t + 15 min) on the 1-min grid, inside one shift. Time
 * without contact counts as 0; a shift shorter than 15 min is one window, sum / 15 min.
 */
export function stel(question: RuleQuestion): RuleOutcome | undefined {
  const { length } = question.table;
  const windows: SlidingWindow[] = [];
  for (let from = 0; from === 0 || from + STEL_MINUTES <= length; from++) {
    const to = Math.min(from + STEL_MINUTES, length);
    windows.push({ from, to, divisorMinutes: STEL_MINUTES });
  }
  const outcome = evaluateSliding(question, windows);
  if (outcome === undefined) return undefined;
  const facts = concentrationFacts(question.inputs, outcome.window, outcome.limit.value);
  const repeated = repetition(question);
  return {
    ...outcome,
    details: { ...facts.details, ...repeated.details },
    notes: [...facts.notes, ...repeated.notes],
  };
}

/**
 * Periods above PC-TWA: at most 15 min each, 4 a shift, 1 h apart. Of GBZ 2.1 Annex A only remembered, so
 * for attention, never a claim.
 */
function repetition({ inputs, table }: RuleQuestion): {
  readonly details: Readonly<Record<string, number>>;
  readonly notes: readonly string[];
} {
  const pcTwa = inputs.companions?.pcTwa;
  if (pcTwa === undefined) return { details: {}, notes: [] };
  const means = confirmationMeans(
    table,
    confirmationMinutes(provingProfiles(inputs)),
    table.length,
  );
  const levels = means.map(({ lowerBound, estimate, isComplete }): MinuteLevel => {
    if (exceeds(Math.max(lowerBound, estimate ?? 0), pcTwa)) return 'above';
    return isComplete ? 'below' : 'unknown';
  });
  const { count, longestMinutes, broken } = readRepetition(readExcursions(levels));
  return {
    details: { stelPeriods: count, stelLongestMinutes: longestMinutes },
    notes: broken.length > 0 ? ['stel-repetition'] : [],
  };
}
