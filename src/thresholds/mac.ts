import { MINUTE_MS } from '../model/time.ts';
import { CONFIRMATION_MINUTES_MAX, confirmationMinutes } from './confirmation.ts';
import { concentrationFacts } from './control-class.ts';
import { provingProfiles } from './feed-seconds.ts';
import { NO_CONTACT } from './minute-table.ts';
import type { RuleOutcome, RuleQuestion } from './rule-outcome.ts';
import { evaluateSliding, highestMean, type SlidingWindow } from './sliding.ts';

export { confirmationMinutes };
export const MAC_MINUTES_MAX = CONFIRMATION_MINUTES_MAX;

/**
 * MAC, GBZ 2.1-2019 6.3.1: confirmation windows on the 1-minute grid that end in the shift and lie in
 * contact throughout; they run across from an adjacent shift. Binds the workplace whatever the basis.
 */
export function mac(question: RuleQuestion): RuleOutcome | undefined {
  const { table, inputs } = question;
  const width = confirmationMinutes(provingProfiles(inputs));
  const shiftIndex = (inputs.subject.shift.startMs - table.startMs) / MINUTE_MS;
  const windows: SlidingWindow[] = [];
  let inContact = 0;
  for (let to = 1; to <= table.length; to++) {
    inContact = table.contact[to - 1] === NO_CONTACT ? 0 : inContact + 1;
    if (to <= shiftIndex || inContact < width) continue;
    windows.push({ from: to - width, to, divisorMinutes: width });
  }
  const outcome = evaluateSliding(question, windows);
  if (outcome === undefined) return undefined;
  const facts = concentrationFacts(inputs, outcome.window, outcome.limit.value);
  return {
    ...outcome,
    notes: facts.notes,
    details: {
      ...facts.details,
      confirmationMinutes: width,
      mean15MinMax: highestMean(table, MAC_MINUTES_MAX),
      ...(table.max === null ? {} : { rawMax: table.max }),
    },
  };
}
