import type { Verdict } from '../model/exposure.ts';
import { contactSecondsMax, type WbgtRows, wbgtLimitC } from './limits/wbgt-limit.ts';
import { CELL_SECONDS } from './minute-cell.ts';
import { exposedSecondsOf } from './minute-counts.ts';
import { CONTACT, type MinuteTable } from './minute-table.ts';
import { HEAT_C_MIN } from './quantity.ts';
import { limitAt, type RuleOutcome, type RuleQuestion } from './rule-outcome.ts';
import { estimateUncertaintyAt, uncertaintyAt } from './uncertainty.ts';
import { COVERAGE_MIN, exceeds, hasTooManyConflicts } from './verdict.ts';

/** Heat seen in contact so far. */
export interface HeatSums {
  /** Sum and number of the seconds of 25 °C and more, T seconds that count among them. */
  readonly sum: number;
  readonly seconds: number;
  /** Sum and number of all seconds seen. */
  readonly seenSum: number;
  readonly seenSeconds: number;
  /** Seconds of contact neither seen nor T that counts. */
  readonly missingSeconds: number;
  readonly contactSeconds: number;
}

interface HeatCase {
  readonly meanC: number;
  readonly limitC: number;
}

/**
 * The most favourable completion: WBGT has no zero, so m of the missing seconds count as contact at
 * 25 °C, the rest as not exposed, with the limit re-read for each m. Within one row of the table the
 * mean falls as m grows, so the ends of the rows are all the cases there are. Undefined: with nothing
 * at 25 °C seen, nobody need have been exposed.
 */
export function favourableHeat(sums: HeatSums, rows: WbgtRows): HeatCase | undefined {
  if (sums.seconds === 0) return undefined;
  const most = sums.seconds + sums.missingSeconds;
  const ends = rows.map(({ ratePercent }) => contactSecondsMax(ratePercent));
  let best: HeatCase | undefined;
  for (const contact of [...ends.filter((end) => end > sums.seconds && end < most), most]) {
    const meanC = (sums.sum + HEAT_C_MIN * (contact - sums.seconds)) / contact;
    const limitC = wbgtLimitC(rows, contact);
    if (limitC === undefined) return undefined;
    if (best === undefined || meanC - limitC < best.meanC - best.limitC) best = { meanC, limitC };
  }
  // m = 0: the only case in the row that ends at just this contact.
  const limitC = wbgtLimitC(rows, sums.seconds);
  const meanC = sums.sum / sums.seconds;
  if (limitC === undefined || best === undefined) return undefined;
  return meanC - limitC < best.meanC - best.limitC ? { meanC, limitC } : best;
}

/** Nobody was there all the time: known, and no exposure. */
function noHeat(rows: WbgtRows): HeatCase | undefined {
  const limitC = wbgtLimitC(rows, 0);
  return limitC === undefined ? undefined : { meanC: 0, limitC };
}

/** What is missing is like what was seen; undefined: too little seen. */
function estimatedHeat(sums: HeatSums, rows: WbgtRows): HeatCase | undefined {
  const { seenSeconds, contactSeconds, missingSeconds, seconds } = sums;
  // T is no coverage, but what it adds was no less there than what was seen.
  if (contactSeconds === 0) return noHeat(rows);
  if (seenSeconds === 0 || seenSeconds < COVERAGE_MIN * contactSeconds) return undefined;
  const contact = (seconds * contactSeconds) / (contactSeconds - missingSeconds);
  const limitC = wbgtLimitC(rows, contact);
  if (limitC === undefined) return undefined;
  return { meanC: seconds > 0 ? sums.sum / seconds : sums.seenSum / seenSeconds, limitC };
}

/**
 * WBGT over contact time, GBZ 2.2-2007 clause 10 table 8. `exceeded` only if every completion of the
 * missing time gives it.
 */
export function wbgt(question: RuleQuestion): RuleOutcome | undefined {
  const { inputs, table } = question;
  const { startMs, endMs } = inputs.subject.shift;
  const base = limitAt(inputs, startMs);
  if (base === null || inputs.wbgtRows.length === 0) return undefined;
  const { sums, hasConflicts } = sumHeat(table, table.length);
  const favourable = favourableHeat(sums, inputs.wbgtRows);
  const estimated = estimatedHeat(sums, inputs.wbgtRows);
  const isCertainBy = (last: number): boolean => {
    const upTo = sumHeat(table, last);
    if (question.isCapped(base) || upTo.hasConflicts) return false;
    return isCertainHeat(question, favourableHeat(upTo.sums, inputs.wbgtRows));
  };
  const isExceeded =
    !question.isCapped(base) && !hasConflicts && isCertainHeat(question, favourable);
  const verdict = isExceeded ? 'exceeded' : milderVerdict(question, favourable, estimated);
  // The limit printed is the one that decided.
  const decisive = isExceeded || estimated === undefined ? favourable : estimated;
  const lowerBound = favourable?.meanC ?? Math.min(HEAT_C_MIN, estimated?.meanC ?? 0);
  return {
    verdict,
    limit: { ...base, value: decisive?.limitC ?? base.value },
    window: { startMs, endMs, lowerBound, estimate: estimated?.meanC ?? null },
    isCappedByConflicts: hasConflicts,
    episodes: isExceeded ? [{ startMs, endMs, lowerBoundMax: lowerBound }] : [],
    isCertainBy,
    details: {
      heatContactSeconds: sums.seconds,
      lowerBoundLimit: favourable?.limitC ?? base.value,
    },
  };
}

const isCertainHeat = ({ uncertainty }: RuleQuestion, heat: HeatCase | undefined): boolean =>
  heat !== undefined &&
  uncertainty !== null &&
  exceeds(heat.meanC - uncertaintyAt(uncertainty, heat.meanC), heat.limitC);

function milderVerdict(
  { uncertainty }: RuleQuestion,
  favourable: HeatCase | undefined,
  estimated: HeatCase | undefined,
): Verdict {
  if (favourable !== undefined && exceeds(favourable.meanC, favourable.limitC)) return 'suspected';
  if (estimated === undefined) return 'indeterminate';
  if (exceeds(estimated.meanC, estimated.limitC)) return 'suspected';
  const u = uncertainty === null ? 0 : estimateUncertaintyAt(uncertainty, estimated.meanC);
  return exceeds(estimated.meanC + u, estimated.limitC) ? 'borderline' : 'within';
}

function sumHeat(
  table: MinuteTable,
  last: number,
): { readonly sums: HeatSums; readonly hasConflicts: boolean } {
  const totals = { sum: 0, seconds: 0, seenSum: 0, seenSeconds: 0 };
  let conflicts = 0;
  for (let i = 0; i < table.length && i <= last; i++) {
    if (table.contact[i] !== CONTACT) continue;
    totals.sum += table.lower[i]!;
    totals.seconds += table.hot[i]!;
    totals.seenSum += table.estimate[i]!;
    totals.seenSeconds += table.covered[i]!;
    conflicts += table.conflicts[i]!;
  }
  const contactSeconds = exposedSecondsOf(table);
  let missingSeconds = contactSeconds - totals.seenSeconds;
  for (const saturated of table.saturated) {
    if (table.contact[saturated.index] !== CONTACT || saturated.resolvedIndex > last) continue;
    totals.sum += saturated.sum;
    totals.seconds += saturated.seconds;
    missingSeconds -= saturated.seconds;
  }
  return {
    sums: { ...totals, missingSeconds, contactSeconds },
    hasConflicts: hasTooManyConflicts(conflicts, table.contactMinutes * CELL_SECONDS),
  };
}
