import { MINUTE_MS } from '../model/time.ts';
import { capsOfLimit } from './caps.ts';
import { channelFacts } from './channel-facts.ts';
import type { Emit, EngineState, RuleState } from './engine-state.ts';
import { followComposite } from './follow-composite.ts';
import { judgeCertain } from './judge-shift.ts';
import { orderedThrough } from './ordered-through.ts';
import type { ProgressRow } from './progress-row.ts';
import {
  forkOrdered,
  orderedOf,
  progressOf,
  readingOf,
  startProgress,
  takeMinute,
  takeOrdered,
} from './rule-progress.ts';
import { dropProgress } from './rule-table.ts';
import {
  isFollowed,
  isLookedAt,
  mayBeCertain,
  projectedNumber,
  runningLimit,
  runningNumber,
} from './running-number.ts';
import { standingOf, standingState } from './standing.ts';
import { warnOnce } from './warn-once.ts';

/** Minutes before an exceedance that seemed certain and wasn't is asked for again. */
const RETRY_MINUTES = 5;
/** A rule whose minutes must be read again rests one minute for each of these first. */
const READ_AGAIN_MINUTES = 64;

/**
 * A standing is given when its state changes, while it is over, and every fifth minute: of all rules that
 * run, most stand as they stood a minute ago. Channels take turns, so that no minute brings them all.
 */
const STANDING_MINUTES = 5;

/**
 * Follows a running rule to the minute `newest`: where it stands, an early warning, and an exceedance
 * that has become certain.
 */
export function followRule(state: EngineState, rule: RuleState, newest: number, emit: Emit): void {
  if (isLookedAt(rule.live.plan)) {
    followComposite(state, rule, newest, emit);
    return;
  }
  const lastOfShift = rule.endMs / MINUTE_MS - 1;
  const minute = Math.min(newest, lastOfShift);
  if (!isFollowed(rule.live.plan) || minute < rule.restsUntil) return;
  const until = Math.min(minute, orderedThrough(state, rule.channel));
  let progress = progressOf(rule) ?? beginAt(state, rule, minute);
  let ordered = orderedOf(rule);
  if (until < minute && ordered === null) {
    forkOrdered(rule);
    ordered = orderedOf(rule);
  } else if (until >= minute && ordered !== null) {
    // What was looked at only as far as order was sure goes on as the one.
    progress = takeOrdered(rule);
    ordered = null;
  }
  advance(rule, progress, minute, ordered === null, newest <= lastOfShift ? emit : null);
  if (newest <= lastOfShift) showStanding(rule, progress, emit);
  if (ordered !== null) advance(rule, ordered, until, true, null);
  seekCertain(state, rule, ordered ?? progress, emit);
}

function beginAt(state: EngineState, rule: RuleState, minute: number): ProgressRow {
  const { profile } = channelFacts(state.history, rule.channel, minute * MINUTE_MS);
  return startProgress(rule, profile?.t90S ?? 0);
}

/** The minute's cell changed: the rule is read again, later the more there is to read. */
export function forgetProgress(rule: RuleState, minute: number): void {
  const progress = progressOf(rule);
  rule.tryFrom = 0;
  if (progress === null || minute > progress.minute) return;
  const restMinutes = Math.floor(progress.through / READ_AGAIN_MINUTES);
  rule.restsUntil = progress.minute + 1 + restMinutes;
  dropProgress(rule.state.rules, rule.id);
}

/**
 * Takes the minutes up to `minute`, and notes whether the exceedance may be certain by them. `warn`: where
 * the early warning goes if one of those before `minute` gives it.
 */
function advance(
  rule: RuleState,
  progress: ProgressRow,
  minute: number,
  looks: boolean,
  warn: Emit | null,
): void {
  const last = Math.min(minute - progress.startMinute, progress.length - 1);
  const first = rule.startMs / MINUTE_MS - progress.startMinute;
  const { width } = progress;
  while (progress.through < last) {
    takeMinute(rule, progress);
    const { through } = progress;
    if (warn !== null && first <= through && through < last) warnAt(rule, progress, warn);
    if (!looks || rule.isAccused || through < first) continue;
    // A sum over the shift only grows, so its last minute says all; a window may have passed.
    if (width === 0 && through < last) continue;
    const isPromising = look(rule, progress);
    rule.isPromising = isPromising || (width > 0 && rule.isPromising);
  }
}

function look(rule: RuleState, progress: ProgressRow): boolean {
  const { plan } = rule.live;
  const { profile, accusing } = readingOf(rule, progress.minute * MINUTE_MS);
  if (profile === undefined || accusing === null) return false;
  const running = { plan, limits: accusing, progress, profile };
  const limit = runningLimit(running);
  return limit !== undefined && capsOfLimit(limit).length === 0 && mayBeCertain(running);
}

function showStanding(rule: RuleState, progress: ProgressRow, emit: Emit): void {
  const { minute } = progress;
  const now = numbersNow(rule, progress);
  if (now === undefined) return;
  const { limit, numbers, state } = now;
  const isTurn = (minute + rule.channel.index) % STANDING_MINUTES === 0;
  const warns = !rule.hasWarned && (state === 'near' || state === 'over');
  const isShown = isTurn || state === 'over' || state !== rule.standing;
  rule.standing = state;
  if (!isShown && !warns) return;
  const standing = standingOf(rule.subject, limit, numbers, (minute + 1) * MINUTE_MS);
  emit({ kind: 'standing', standing });
  warnOnce(rule, standing, emit);
}

/** Gives the early warning if the minute taken last is the first to show it. */
function warnAt(rule: RuleState, progress: ProgressRow, emit: Emit): void {
  if (rule.hasWarned) return;
  const now = numbersNow(rule, progress);
  if (now === undefined || now.state === 'below' || now.state === 'no-data') return;
  const asOfMs = (progress.minute + 1) * MINUTE_MS;
  warnOnce(rule, standingOf(rule.subject, now.limit, now.numbers, asOfMs), emit);
}

/** The rule's numbers after the minute taken last; undefined: it can't be read, or no limit is in force. */
function numbersNow(rule: RuleState, progress: ProgressRow) {
  const { plan } = rule.live;
  const { profile } = readingOf(rule, progress.minute * MINUTE_MS);
  if (profile === undefined) return undefined;
  const running = { plan, limits: plan.limits, progress, profile };
  const limit = runningLimit(running);
  if (limit === undefined) return undefined;
  const numbers = { current: runningNumber(running), projected: projectedNumber(running) };
  return { limit, numbers, state: standingState(numbers, limit) };
}

function seekCertain(
  state: EngineState,
  rule: RuleState,
  { minute }: ProgressRow,
  emit: Emit,
): void {
  if (rule.isAccused || !rule.isPromising || minute < rule.tryFrom) return;
  rule.isPromising = false;
  if (!judgeCertain(state, rule, minute, emit)) rule.tryFrom = minute + RETRY_MINUTES;
}
