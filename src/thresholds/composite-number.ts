import type { Standing } from '../model/exposure.ts';
import type { AppliedLimit } from '../model/limits.ts';
import { MINUTE_MS, SECOND_MS } from '../model/time.ts';
import { confirmationMinutes } from './confirmation.ts';
import { provingProfiles } from './feed-seconds.ts';
import { NO_SUMS } from './integral.ts';
import { wbgtLimitC } from './limits/wbgt-limit.ts';
import { CELL_SECONDS } from './minute-cell.ts';
import { CONTACT, type MinuteTable, NO_CONTACT } from './minute-table.ts';
import { projectedSum } from './projection.ts';
import type { RuleDefinition } from './rule-definition.ts';
import type { RuleInputs } from './rule-inputs.ts';
import { limitAt } from './rule-outcome.ts';
import { isSummed, numberOfSum, secondsUntil } from './running-number.ts';
import { STEL_MINUTES } from './stel.ts';
import { cycleContactSeconds, earlierSums } from './weekly-sum.ts';

type NumbersSoFar = Pick<Standing, 'limit' | 'current' | 'projected'>;

/** Sums over the minutes of a window or of the shift. */
interface SumsSoFar {
  readonly lower: number;
  readonly estimate: number;
  readonly covered: number;
  readonly hot: number;
  readonly absent: number;
}

/**
 * What the number of a rule of several channels is after the minute that ends at `untilMs`, missing time
 * counting as nothing, and what it will be; undefined: no limit is in force.
 */
export function compositeNumbers(
  definition: RuleDefinition,
  inputs: RuleInputs,
  table: MinuteTable,
  untilMs: number,
): NumbersSoFar | undefined {
  const width = windowMinutes(inputs);
  const limit = limitSoFar(inputs, table, width > 0 ? untilMs - SECOND_MS : undefined);
  if (limit === undefined) return undefined;
  const end = Math.min(table.length, (untilMs - table.startMs) / MINUTE_MS);
  const sums = sumMinutes(table, width > 0 ? Math.max(0, end - width) : 0, end, width > 0);
  return {
    limit,
    current: currentNumber(definition, inputs, table, width, sums),
    projected: projectedOf(definition, inputs, table, untilMs, sums),
  };
}

/** Minutes of the window that slides; 0: the shift as a whole. */
function windowMinutes(inputs: RuleInputs): number {
  const { limitKind } = inputs.subject;
  if (limitKind === 'MAC') return confirmationMinutes(provingProfiles(inputs));
  return limitKind === 'PC_STEL' ? STEL_MINUTES : 0;
}

function limitSoFar(
  inputs: RuleInputs,
  { contactMinutes }: MinuteTable,
  windowEndMs: number | undefined,
): AppliedLimit | undefined {
  const { subject, wbgtRows } = inputs;
  const limit = limitAt(inputs, windowEndMs ?? subject.shift.startMs) ?? undefined;
  if (limit === undefined || subject.limitKind !== 'WBGT') return limit;
  const value = wbgtLimitC(wbgtRows, contactMinutes * CELL_SECONDS);
  return value === undefined ? undefined : { ...limit, value };
}

function sumMinutes(table: MinuteTable, from: number, end: number, hasLead: boolean): SumsSoFar {
  const sums = { lower: 0, estimate: 0, covered: 0, hot: 0, absent: 0 };
  for (let i = from; i < end; i++) {
    const kind = table.contact[i];
    if (hasLead ? kind === NO_CONTACT : kind !== CONTACT) continue;
    sums.lower += table.lower[i]!;
    sums.estimate += table.estimate[i]!;
    sums.covered += table.covered[i]!;
    sums.hot += table.hot[i]!;
    sums.absent += table.absent?.[i] ?? 0;
  }
  return sums;
}

function currentNumber(
  definition: RuleDefinition,
  { subject, cycle, declaredMinutes }: RuleInputs,
  { contactMinutes }: MinuteTable,
  width: number,
  { lower, covered, hot }: SumsSoFar,
): number | null {
  if (subject.limitKind === 'WBGT') return hot === 0 ? null : lower / hot;
  if (covered === 0) return null;
  // DECLARED_MINUTES: shown as if the declared minutes were like the rest of the shift.
  const share = declaredMinutes === null ? 1 : Math.min(1, declaredMinutes / contactMinutes);
  const isWeekly = subject.limitKind === 'LEX_W' && cycle !== undefined;
  const before = isWeekly ? earlierSums(cycle).lower : 0;
  return numberOfSum(definition, width, before + lower * share);
}

function projectedOf(
  definition: RuleDefinition,
  { subject, contact, cycle, declaredMinutes }: RuleInputs,
  { contactMinutes }: MinuteTable,
  untilMs: number,
  { estimate, covered, absent }: SumsSoFar,
): number | null {
  if (!isSummed(subject.limitKind)) return null;
  const isWeekly = subject.limitKind === 'LEX_W' && cycle !== undefined;
  const before = isWeekly ? earlierSums(cycle) : NO_SUMS;
  const declared = declaredMinutes ?? Number.POSITIVE_INFINITY;
  const ofShift = Math.min(contactMinutes, declared) * CELL_SECONDS - absent;
  const sum = projectedSum({
    seen: before.seen + estimate,
    coveredSeconds: before.coveredSeconds + covered,
    elapsedSeconds:
      before.contactSeconds - before.absentSeconds + secondsUntil(contact, untilMs) - absent,
    wholeSeconds: isWeekly ? cycleContactSeconds(cycle) : ofShift,
  });
  return sum === null ? null : numberOfSum(definition, 0, sum);
}
