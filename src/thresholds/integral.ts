import { MINUTE_MS } from '../model/time.ts';
import { CELL_SECONDS } from './minute-cell.ts';
import { absentSecondsOf } from './minute-counts.ts';
import { CONTACT, type MinuteTable } from './minute-table.ts';
import { limitAt, type RuleOutcome, type RuleQuestion } from './rule-outcome.ts';
import { COVERAGE_MIN, hasTooManyConflicts, isCertain, judgeWindow } from './verdict.ts';

/** Sums over contact, of one shift or of several. */
export interface ContactSums {
  /** At the least it could be. */
  readonly lower: number;
  /** Over the covered seconds, as estimated. */
  readonly seen: number;
  readonly coveredSeconds: number;
  /** By the plan. */
  readonly contactSeconds: number;
  /** Of them, those in which nobody was there by the presence record. */
  readonly absentSeconds: number;
  /** Seconds for which the estimate stands: contact, or the declared minutes. */
  readonly exposedSeconds: number;
  readonly conflictSeconds: number;
}

export const NO_SUMS: ContactSums = {
  lower: 0,
  seen: 0,
  coveredSeconds: 0,
  contactSeconds: 0,
  absentSeconds: 0,
  exposedSeconds: 0,
  conflictSeconds: 0,
};

export const addSums = (a: ContactSums, b: ContactSums): ContactSums => ({
  lower: a.lower + b.lower,
  seen: a.seen + b.seen,
  coveredSeconds: a.coveredSeconds + b.coveredSeconds,
  contactSeconds: a.contactSeconds + b.contactSeconds,
  absentSeconds: a.absentSeconds + b.absentSeconds,
  exposedSeconds: a.exposedSeconds + b.exposedSeconds,
  conflictSeconds: a.conflictSeconds + b.conflictSeconds,
});

/**
 * The sum over all exposed seconds as estimated; null: coverage under 75 % of contact. Absence is no
 * contact: quiet hours in which nobody was there say nothing of those in which somebody was.
 */
export function estimatedSum(sums: ContactSums): number | null {
  const { seen, coveredSeconds, contactSeconds, absentSeconds, exposedSeconds } = sums;
  const needed = contactSeconds - absentSeconds;
  if (needed === 0 && absentSeconds > 0) return 0;
  const isEnough = coveredSeconds > 0 && coveredSeconds >= COVERAGE_MIN * needed;
  return isEnough ? (seen * exposedSeconds) / coveredSeconds : null;
}

/**
 * A rule whose number only grows through the shift: PC-TWA, LEX, mixture. `toNumber` turns the sum over
 * contact seconds into the limit's unit; `earlier` is what the shifts before this one add to it.
 * Missing time counts as 0 in the lower bound.
 */
export function evaluateIntegral(
  question: RuleQuestion,
  toNumber: (sum: number) => number,
  earlier: ContactSums = NO_SUMS,
): RuleOutcome | undefined {
  const { inputs, table, uncertainty } = question;
  const { startMs, endMs } = inputs.subject.shift;
  // Judged by the limit in force at the shift's start (design §5).
  const limit = limitAt(inputs, startMs);
  if (limit === null) return undefined;
  const sums = addSums(earlier, sumShift(question, table.length));
  const lowerBound = toNumber(sums.lower);
  const sum = estimatedSum(sums);
  const estimate = sum === null ? null : Math.max(toNumber(sum), lowerBound);
  const isCapped = question.isCapped(limit) || hasConflicts(sums);
  const isCertainBy = (last: number): boolean => {
    if (question.isCapped(limit)) return false;
    const upTo = addSums(earlier, sumShift(question, last));
    return !hasConflicts(upTo) && isCertain(toNumber(upTo.lower), limit.value, uncertainty);
  };
  const verdict = judgeWindow({ lowerBound, estimate }, limit.value, uncertainty, isCapped);
  return {
    verdict,
    limit,
    window: { startMs, endMs, lowerBound, estimate },
    isCappedByConflicts: hasConflicts(sums),
    episodes: verdict === 'exceeded' ? [wholeEpisode(table, lowerBound, isCertainBy)] : [],
    isCertainBy,
    details: {},
  };
}

/** Whether conflicts keep the sums at `suspected`. */
export const hasConflicts = ({ conflictSeconds, contactSeconds }: ContactSums): boolean =>
  hasTooManyConflicts(conflictSeconds, contactSeconds);

/** From the minute in which the integral passed the limit to the end of contact. */
function wholeEpisode(
  table: MinuteTable,
  lowerBoundMax: number,
  isCertainBy: (last: number) => boolean,
): { startMs: number; endMs: number; lowerBoundMax: number } {
  const first = firstIndex(table.length, isCertainBy);
  return {
    startMs: table.startMs + first * MINUTE_MS,
    endMs: table.startMs + (table.contact.lastIndexOf(CONTACT) + 1) * MINUTE_MS,
    lowerBoundMax,
  };
}

/** Sums over contact from the minutes up to index `last`. */
export function sumShift(
  { inputs, table }: Pick<RuleQuestion, 'inputs' | 'table'>,
  last: number,
): ContactSums {
  const minutes: number[] = [];
  let seen = 0;
  let coveredSeconds = 0;
  let conflictSeconds = 0;
  const saturated = new Map<number, number>();
  for (const { index, resolvedIndex, sum } of table.saturated) {
    if (resolvedIndex <= last) saturated.set(index, (saturated.get(index) ?? 0) + sum);
  }
  for (let i = 0; i < table.length; i++) {
    if (table.contact[i] !== CONTACT) continue;
    minutes.push(i > last ? 0 : table.lower[i]! + (saturated.get(i) ?? 0));
    if (i > last) continue;
    seen += table.estimate[i]!;
    coveredSeconds += table.covered[i]!;
    conflictSeconds += table.conflicts[i]!;
  }
  const exposed = exposedMinutes(inputs, table);
  const absentSeconds = absentSecondsOf(table);
  return {
    lower: leastSum(minutes, exposed),
    seen,
    coveredSeconds,
    contactSeconds: table.contactMinutes * CELL_SECONDS,
    absentSeconds,
    exposedSeconds: exposed * CELL_SECONDS - absentSeconds,
    conflictSeconds,
  };
}

const exposedMinutes = ({ declaredMinutes }: RuleQuestion['inputs'], table: MinuteTable): number =>
  declaredMinutes === null ? table.contactMinutes : Math.min(declaredMinutes, table.contactMinutes);

/** DECLARED_MINUTES: nobody knows which, so the lowest minutes of the shift (design §5). */
function leastSum(minutes: readonly number[], count: number): number {
  const least =
    count < minutes.length ? minutes.toSorted((a, b) => a - b).slice(0, count) : minutes;
  return least.reduce((sum, minute) => sum + minute, 0);
}

/** First index for which a test that never turns false again holds; `length` when none does. */
export function firstIndex(length: number, holds: (index: number) => boolean): number {
  let low = 0;
  let high = length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (holds(middle)) high = middle;
    else low = middle + 1;
  }
  return low;
}
