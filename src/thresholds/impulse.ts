import type { Verdict } from '../model/exposure.ts';
import type { AppliedLimit } from '../model/limits.ts';
import { type FeedSeconds, feedsOf, readFeedSeconds } from './feed-seconds.ts';
import { CELL_SECONDS } from './minute-cell.ts';
import { coveredShareOf, exposedSecondsOf, hasConflictsIn } from './minute-counts.ts';
import { CONTACT, type MinuteTable } from './minute-table.ts';
import { isPresentThroughout, presenceAt } from './presence.ts';
import type { CompanionLimits, RuleInputs } from './rule-inputs.ts';
import type { RuleOutcome, RuleQuestion } from './rule-outcome.ts';
import { uncertaintyAt } from './uncertainty.ts';
import { COVERAGE_MIN, exceeds, isCertain } from './verdict.ts';

/** Rounding of a sum of rates: 100 impulses are 100. */
const COUNT_TOLERANCE = 1e-6;

/** A channel of A-weighted peaks by its name: `lapeak`, `lapeak-max`. C-weighted ones are not compared. */
export const isAWeightedPeak = (metric: string): boolean => /^la-?peak/.test(metric);
/** A channel of peaks of whatever weighting. */
export const isPeakMetric = (metric: string): boolean => /^l[a-z]-?peak/.test(metric);

type ImpulseRows = NonNullable<CompanionLimits['impulses']>;

/** Impulses of a working day as far as they are known. */
interface ImpulseCount {
  /** Seen, at least. */
  readonly seen: number;
  /** As if the rest were like what was seen; null: under 75 % of contact. */
  readonly estimate: number | null;
}

/**
 * Peak level of impulse noise by the number of impulses in a working day, GBZ 2.2-2007 table 10; only
 * from A-weighted peaks with a count of impulses. Fewer impulses allow a higher peak, so what the count
 * missed goes to the company. Above the table's 10,000 it is judged as 10,000, at most `suspected`.
 */
export function impulse(question: RuleQuestion): RuleOutcome | undefined {
  const { inputs, table, uncertainty } = question;
  const rows = inputs.companions?.impulses ?? [];
  const { startMs, endMs } = inputs.subject.shift;
  const lowerBound = table.max ?? 0;
  const count = countOf(question, table.length);
  const least = rowFor(rows, Math.max(1, count.seen));
  const likely = rowFor(rows, Math.max(1, count.estimate ?? count.seen));
  if (least === undefined || likely === undefined) return undefined;
  const hasConflicts = hasConflictsIn(table);
  const ruleCaps =
    (count.estimate ?? count.seen) > (rows.at(-1)?.countMax ?? 0) ? ['impulses-above-10000'] : [];
  const isCapped = (limit: AppliedLimit): boolean =>
    question.isCapped(limit) || hasConflicts || ruleCaps.length > 0;
  const isExceeded = !isCapped(least) && isCertain(lowerBound, least.value, uncertainty);
  const isSuspected = exceeds(lowerBound, least.value) || exceeds(lowerBound, likely.value);
  const isEnough = coveredShareOf(table) >= COVERAGE_MIN && count.estimate !== null;
  const u = uncertainty === null ? 0 : uncertaintyAt(uncertainty, lowerBound);
  const milder: Verdict = isSuspected
    ? 'suspected'
    : !isEnough
      ? 'indeterminate'
      : exceeds(lowerBound + u, likely.value)
        ? 'borderline'
        : 'within';
  return {
    verdict: isExceeded ? 'exceeded' : milder,
    limit: isExceeded ? least : likely,
    window: { startMs, endMs, lowerBound, estimate: isEnough ? lowerBound : null },
    isCappedByConflicts: hasConflicts,
    episodes: isExceeded ? [{ startMs, endMs, lowerBoundMax: lowerBound }] : [],
    isCertainBy: (last) => {
      const upTo = rowFor(rows, Math.max(1, countOf(question, last).seen));
      if (upTo === undefined || isCapped(upTo)) return false;
      return isCertain(maxThrough(question, last), upTo.value, uncertainty);
    },
    details: {
      impulses: count.seen,
      ...(count.estimate === null ? {} : { impulsesEstimate: count.estimate }),
    },
    caps: ruleCaps,
  };
}

/** The limit for a number of impulses; beyond the table, its last row. */
const rowFor = (rows: ImpulseRows, count: number): AppliedLimit | undefined =>
  (rows.find(({ countMax }) => count <= countMax) ?? rows.at(-1))?.limit;

function countOf({ inputs, table }: RuleQuestion, last: number): ImpulseCount {
  let sum = 0;
  let heard = 0;
  let covered = 0;
  const presence = presenceOf(inputs, table);
  for (const feed of feedsOf(inputs)) {
    if (feed.role !== 'count') continue;
    const { seen, value } = readFeedSeconds(inputs, feed, table.startMs, table.length);
    for (let i = 0; i < table.length && i <= last; i++) {
      if (table.contact[i] !== CONTACT) continue;
      const isThroughout = isPresentThroughout(presence, i);
      for (let at = i * CELL_SECONDS; at < (i + 1) * CELL_SECONDS; at++) {
        if (seen[at] === 0 || presenceAt(presence, at) !== 'present') continue;
        covered++;
        const impulses = Math.max(0, value[at]!) / CELL_SECONDS;
        sum += impulses;
        if (isThroughout) heard += impulses;
      }
    }
  }
  const exposedSeconds = exposedSecondsOf(table);
  const isEnough = covered > 0 && covered >= COVERAGE_MIN * exposedSeconds;
  const estimate = isEnough ? Math.floor((sum * exposedSeconds) / covered + COUNT_TOLERANCE) : null;
  return {
    seen: Math.floor(heard + COUNT_TOLERANCE),
    // Nobody was there: no impulse was heard.
    estimate: exposedSeconds === 0 ? 0 : estimate,
  };
}

/** The crew hears only the impulses of the time in which it is there. */
const presenceOf = (inputs: RuleInputs, { startMs, length }: MinuteTable): readonly FeedSeconds[] =>
  feedsOf(inputs)
    .filter(({ role }) => role === 'presence')
    .map((feed) => readFeedSeconds(inputs, feed, startMs, length));

/** Highest peak seen in contact in the minutes up to index `last`, by what is proof for them. */
function maxThrough({ inputs, table }: RuleQuestion, last: number): number {
  let max = 0;
  const presence = presenceOf(inputs, table);
  for (const feed of feedsOf(inputs)) {
    if (feed.role !== 'proof') continue;
    const { seen, value } = readFeedSeconds(inputs, feed, table.startMs, table.length);
    for (let i = 0; i < table.length && i <= last; i++) {
      if (table.contact[i] !== CONTACT || !isPresentThroughout(presence, i)) continue;
      for (let at = i * CELL_SECONDS; at < (i + 1) * CELL_SECONDS; at++) {
        if (seen[at] === 1) max = Math.max(max, value[at]! * feed.share);
      }
    }
  }
  return max;
}
