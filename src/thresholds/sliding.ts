import type { ExceedanceEpisode, Verdict } from '../model/exposure.ts';
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

interface JudgedSlidingWindow {
  readonly window: SlidingWindow;
  readonly lowerBound: number;
  readonly estimate: number | null;
  readonly hasConflicts: boolean;
  readonly limit: AppliedLimit;
  readonly verdict: Verdict;
}

const SEVERITY: readonly Verdict[] = ['exceeded', 'suspected', 'borderline'];

/**
 * Judges each window by the limit in force at its last second; the shift's verdict is the worst of
 * exceeded, suspected, borderline among them, else `within` when the windows that are within span
 * ≥ 75 % of contact time, else `indeterminate` (design §5). Windows ascend. Undefined: none has contact
 * and limit.
 */
export function evaluateSliding(
  question: RuleQuestion,
  windows: readonly SlidingWindow[],
): RuleOutcome | undefined {
  const { table, uncertainty } = question;
  const judged: JudgedSlidingWindow[] = [];
  for (const window of windows) {
    const one = judgeSliding(question, window);
    if (one !== undefined) judged.push(one);
  }
  const worst = worstOf(judged);
  if (worst === undefined) return undefined;
  return {
    verdict: shiftVerdict(table, judged),
    limit: worst.limit,
    window: {
      startMs: startMsOf(table, worst),
      endMs: endMsOf(table, worst),
      lowerBound: worst.lowerBound,
      estimate: worst.estimate,
    },
    isCappedByConflicts: worst.hasConflicts,
    episodes: episodesOf(table, judged),
    isCertainBy: (last) =>
      judged.some(({ window, limit, hasConflicts }) => {
        if (window.from > last || hasConflicts || question.isCapped(limit)) return false;
        sumWindow(table, window, last);
        return isCertain(sums.lower / secondsOf(window), limit.value, uncertainty);
      }),
    details: {},
  };
}

const secondsOf = ({ divisorMinutes }: SlidingWindow): number => divisorMinutes * CELL_SECONDS;

const startMsOf = (table: MinuteTable, { window }: Pick<JudgedSlidingWindow, 'window'>): number =>
  table.startMs + window.from * MINUTE_MS;

const endMsOf = (table: MinuteTable, { window }: Pick<JudgedSlidingWindow, 'window'>): number =>
  table.startMs + window.to * MINUTE_MS;

function judgeSliding(
  question: RuleQuestion,
  window: SlidingWindow,
): JudgedSlidingWindow | undefined {
  const { table, inputs, uncertainty } = question;
  sumWindow(table, window, table.length);
  const { covered, conflicts, contactSeconds, exposedSeconds } = sums;
  const limit = limitAt(inputs, endMsOf(table, { window }) - SECOND_MS);
  if (limit === null || contactSeconds === 0) return undefined;
  const lowerBound = sums.lower / secondsOf(window);
  const isEnough = covered > 0 && covered >= COVERAGE_MIN * exposedSeconds;
  const seen = isEnough ? (sums.estimate * (exposedSeconds / covered)) / secondsOf(window) : 0;
  // Nobody was there: known, and no exposure.
  const estimate = isEnough || exposedSeconds === 0 ? Math.max(seen, lowerBound) : null;
  const hasConflicts = hasTooManyConflicts(conflicts, contactSeconds);
  const isCapped = hasConflicts || question.isCapped(limit);
  const verdict = judgeWindow({ lowerBound, estimate }, limit.value, uncertainty, isCapped);
  return { window, lowerBound, estimate, hasConflicts, limit, verdict };
}

/** Of the last `sumWindow`; fractions from the start, so that it is never made anew. */
const sums = {
  lower: 0.5,
  estimate: 0.5,
  covered: 0,
  conflicts: 0,
  contactSeconds: 0,
  exposedSeconds: 0,
};

/** Sums of a window from the minutes up to index `last`; time without contact counts as 0. */
function sumWindow(table: MinuteTable, { from, to }: SlidingWindow, last: number): void {
  const { contact, saturated } = table;
  let lower = 0;
  let estimate = 0;
  let covered = 0;
  let conflicts = 0;
  let minutes = 0;
  let exposedSeconds = 0;
  for (let i = from; i < to; i++) {
    if (contact[i] === NO_CONTACT) continue;
    minutes++;
    exposedSeconds += exposedSecondsAt(table, i);
    if (i > last) continue;
    lower += table.lower[i]!;
    estimate += table.estimate[i]!;
    covered += table.covered[i]!;
    conflicts += table.conflicts[i]!;
  }
  for (let i = 0; i < saturated.length; i++) {
    const { index, resolvedIndex, sum } = saturated[i]!;
    if (index >= from && index < to && resolvedIndex <= last) lower += sum;
  }
  sums.lower = lower;
  sums.estimate = estimate;
  sums.covered = covered;
  sums.conflicts = conflicts;
  sums.contactSeconds = minutes * CELL_SECONDS;
  sums.exposedSeconds = exposedSeconds;
}

const severityOf = (verdict: Verdict): number => {
  const rank = SEVERITY.indexOf(verdict);
  return rank < 0 ? SEVERITY.length : rank;
};

/** Worst verdict, then highest lower bound over its limit, then the earliest. */
function worstOf(judged: readonly JudgedSlidingWindow[]): JudgedSlidingWindow | undefined {
  let worst = judged[0];
  for (const candidate of judged) {
    if (worst === undefined || candidate === worst) continue;
    const isSame = candidate.verdict === worst.verdict;
    const rank = isSame ? 0 : severityOf(candidate.verdict) - severityOf(worst.verdict);
    if (rank < 0 || (rank === 0 && isHigher(candidate, worst))) worst = candidate;
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
  let seconds = 0;
  let next = 0;
  for (const { window, verdict } of judged) {
    if (verdict !== 'within') continue;
    for (let i = Math.max(next, window.from); i < window.to; i++) {
      if (table.contact[i] === CONTACT) seconds += exposedSecondsAt(table, i);
    }
    next = Math.max(next, window.to);
  }
  return seconds >= COVERAGE_MIN * exposedSecondsOf(table) ? 'within' : 'indeterminate';
}

/** Runs of exceeding windows that touch or overlap. */
function episodesOf(
  table: MinuteTable,
  judged: readonly JudgedSlidingWindow[],
): readonly ExceedanceEpisode[] {
  const episodes: ExceedanceEpisode[] = [];
  for (const one of judged) {
    if (one.verdict !== 'exceeded') continue;
    const startMs = startMsOf(table, one);
    const endMs = endMsOf(table, one);
    const { lowerBound } = one;
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
    sumWindow(table, { from, to, divisorMinutes: widthMinutes }, table.length);
    highest = Math.max(highest, sums.lower / (widthMinutes * CELL_SECONDS));
  }
  return highest;
}
