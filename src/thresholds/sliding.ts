import type { ExceedanceEpisode, JudgedWindow, Verdict } from '../model/exposure.ts';
import type { AppliedLimit } from '../model/limits.ts';
import { MINUTE_MS, SECOND_MS } from '../model/time.ts';
import { CELL_SECONDS } from './minute-cell.ts';
import { exposedSecondsAt, exposedSecondsOf } from './minute-counts.ts';
import { CONTACT, type MinuteTable, NO_CONTACT } from './minute-table.ts';
import { limitAt, type RuleOutcome, type RuleQuestion } from './rule-outcome.ts';
import { COVERAGE_MIN, hasTooManyConflicts, isCertain, judgeWindow } from './verdict.ts';

/** Minutes `from` to `to − 1` by index, and what their sums are divided by. */
export interface SlidingWindow {
  readonly from: number;
  readonly to: number;
  readonly divisorMinutes: number;
}

interface WindowSums extends JudgedWindow {
  readonly contactSeconds: number;
  readonly hasConflicts: boolean;
}

interface JudgedSlidingWindow extends WindowSums {
  readonly window: SlidingWindow;
  readonly limit: AppliedLimit;
  readonly verdict: Verdict;
}

const SEVERITY: readonly Verdict[] = ['exceeded', 'suspected', 'borderline'];

/**
 * Judges each window by the limit in force at its last second; the shift's verdict is the worst of
 * exceeded, suspected, borderline among them, else `within` when the windows that are within span
 * ≥ 75 % of contact time, else `indeterminate` (design §5). Undefined: no window has contact and limit.
 */
export function evaluateSliding(
  question: RuleQuestion,
  windows: readonly SlidingWindow[],
): RuleOutcome | undefined {
  const { table, inputs, uncertainty } = question;
  const judged: JudgedSlidingWindow[] = [];
  for (const window of windows) {
    const sums = sumWindow(table, window, table.length);
    const limit = limitAt(inputs, sums.endMs - SECOND_MS);
    if (limit === null || sums.contactSeconds === 0) continue;
    const isCapped = question.isCapped(limit) || sums.hasConflicts;
    const verdict = judgeWindow(sums, limit.value, uncertainty, isCapped);
    judged.push({ ...sums, window, limit, verdict });
  }
  const worst = worstOf(judged);
  if (worst === undefined) return undefined;
  return {
    verdict: shiftVerdict(table, judged),
    limit: worst.limit,
    window: {
      startMs: worst.startMs,
      endMs: worst.endMs,
      lowerBound: worst.lowerBound,
      estimate: worst.estimate,
    },
    isCappedByConflicts: worst.hasConflicts,
    episodes: episodesOf(judged),
    isCertainBy: (last) =>
      judged.some(({ window, limit, hasConflicts }) => {
        if (window.from > last || hasConflicts || question.isCapped(limit)) return false;
        const { lowerBound } = sumWindow(table, window, last);
        return isCertain(lowerBound, limit.value, uncertainty);
      }),
    details: {},
  };
}

/** Sums of a window from the minutes up to index `last`; time without contact counts as 0. */
function sumWindow(table: MinuteTable, window: SlidingWindow, last: number): WindowSums {
  let lower = 0;
  let estimate = 0;
  let covered = 0;
  let conflicts = 0;
  let contactSeconds = 0;
  let exposedSeconds = 0;
  for (let i = window.from; i < window.to; i++) {
    if (table.contact[i] === NO_CONTACT) continue;
    contactSeconds += CELL_SECONDS;
    exposedSeconds += exposedSecondsAt(table, i);
    if (i > last) continue;
    lower += table.lower[i]!;
    estimate += table.estimate[i]!;
    covered += table.covered[i]!;
    conflicts += table.conflicts[i]!;
  }
  for (const { index, resolvedIndex, sum } of table.saturated) {
    if (index >= window.from && index < window.to && resolvedIndex <= last) lower += sum;
  }
  const divisorS = window.divisorMinutes * CELL_SECONDS;
  const lowerBound = lower / divisorS;
  const isEnough = covered > 0 && covered >= COVERAGE_MIN * exposedSeconds;
  const seen = isEnough ? (estimate * (exposedSeconds / covered)) / divisorS : 0;
  return {
    startMs: table.startMs + window.from * MINUTE_MS,
    endMs: table.startMs + window.to * MINUTE_MS,
    lowerBound,
    // Nobody was there: known, and no exposure.
    estimate: isEnough || exposedSeconds === 0 ? Math.max(seen, lowerBound) : null,
    contactSeconds,
    hasConflicts: hasTooManyConflicts(conflicts, contactSeconds),
  };
}

const severityOf = (verdict: Verdict): number => {
  const rank = SEVERITY.indexOf(verdict);
  return rank < 0 ? SEVERITY.length : rank;
};

/** Worst verdict, then highest lower bound over its limit, then the earliest. */
function worstOf(judged: readonly JudgedSlidingWindow[]): JudgedSlidingWindow | undefined {
  let worst: JudgedSlidingWindow | undefined;
  for (const candidate of judged) {
    const rank = severityOf(candidate.verdict) - (worst ? severityOf(worst.verdict) : 0);
    if (worst === undefined || rank < 0 || (rank === 0 && isHigher(candidate, worst))) {
      worst = candidate;
    }
  }
  return worst;
}

const isHigher = (a: JudgedSlidingWindow, b: JudgedSlidingWindow): boolean => {
  const byBound = a.lowerBound / a.limit.value - b.lowerBound / b.limit.value;
  return byBound > 0 || (byBound === 0 && (a.estimate ?? -1) > (b.estimate ?? -1));
};

function shiftVerdict(table: MinuteTable, judged: readonly JudgedSlidingWindow[]): Verdict {
  for (const verdict of SEVERITY) {
    if (judged.some((window) => window.verdict === verdict)) return verdict;
  }
  const within = new Uint8Array(table.length);
  for (const { window, verdict } of judged) {
    if (verdict === 'within') within.fill(1, window.from, window.to);
  }
  let seconds = 0;
  for (const [i, isWithin] of within.entries()) {
    if (isWithin === 1 && table.contact[i] === CONTACT) seconds += exposedSecondsAt(table, i);
  }
  return seconds >= COVERAGE_MIN * exposedSecondsOf(table) ? 'within' : 'indeterminate';
}

/** Runs of exceeding windows that touch or overlap. */
function episodesOf(judged: readonly JudgedSlidingWindow[]): readonly ExceedanceEpisode[] {
  const episodes: ExceedanceEpisode[] = [];
  for (const { verdict, startMs, endMs, lowerBound } of judged) {
    if (verdict !== 'exceeded') continue;
    const open = episodes.at(-1);
    if (open !== undefined && startMs <= open.endMs) {
      const lowerBoundMax = Math.max(open.lowerBoundMax, lowerBound);
      episodes[episodes.length - 1] = { startMs: open.startMs, endMs, lowerBoundMax };
    } else episodes.push({ startMs, endMs, lowerBoundMax: lowerBound });
  }
  return episodes;
}

/** Highest mean over `widthMinutes` adjacent minutes of contact, missing counted as 0. */
export function highestMean(table: MinuteTable, widthMinutes: number): number {
  let highest = 0;
  for (let from = 0; from + widthMinutes <= table.length; from++) {
    const to = from + widthMinutes;
    const sums = sumWindow(table, { from, to, divisorMinutes: widthMinutes }, table.length);
    highest = Math.max(highest, sums.lowerBound);
  }
  return highest;
}
