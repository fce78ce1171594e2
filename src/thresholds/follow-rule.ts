import { digestOf } from '../model/digest.ts';
import { MINUTE_MS } from '../model/time.ts';
import { capsOf, capsOfLimit } from './caps.ts';
import { channelFacts } from './channel-facts.ts';
import type { Channel, Emit, EngineState, RuleState } from './engine-state.ts';
import { judgeCertain } from './judge-shift.ts';
import { byProvenLimits } from './limits/proven-limits.ts';
import type { RuleDefinition } from './rule-definition.ts';
import {
  copyProgress,
  createProgress,
  progressReading,
  type RuleProgress,
  takeMinute,
} from './rule-progress.ts';
import { definitionOf } from './rule-states.ts';
import { isFollowed, mayBeCertain, runningLimit } from './running-number.ts';
import { standingOf } from './standing.ts';

/** Minutes before an exceedance that seemed certain and wasn't is asked for again. */
const RETRY_MINUTES = 5;
/** A rule whose minutes must be read again rests one minute for each of these first. */
const READ_AGAIN_MINUTES = 64;

/**
 * Follows a running rule to the minute `newest`: where it stands, an early warning, and an exceedance
 * that has become certain.
 */
export function followRule(state: EngineState, rule: RuleState, newest: number, emit: Emit): void {
  const definition = definitionOf(state, rule);
  const lastOfShift = rule.endMs / MINUTE_MS - 1;
  const minute = Math.min(newest, lastOfShift);
  if (!isFollowed(definition) || minute < rule.restsUntil) return;
  const ordered = Math.min(minute, orderedThrough(state, rule.channel));
  let progress = progressOf(state, rule, definition, minute);
  if (ordered < minute) rule.ordered ??= copyProgress(progress);
  else if (rule.ordered !== null) {
    // What was looked at only as far as order was sure goes on as the one.
    progress = rule.ordered;
    rule.progress = progress;
    rule.ordered = null;
  }
  advance(state, rule, definition, progress, minute, rule.ordered === null);
  if (newest <= lastOfShift) emitStanding(state, rule, definition, progress, emit);
  if (rule.ordered !== null) advance(state, rule, definition, rule.ordered, ordered, true);
  seekCertain(state, rule, rule.ordered ?? progress, emit);
}

function progressOf(
  state: EngineState,
  rule: RuleState,
  definition: RuleDefinition,
  minute: number,
): RuleProgress {
  if (rule.progress === null) {
    const { profile } = channelFacts(state.history, rule.channel, minute * MINUTE_MS);
    rule.progress = createProgress(definition, profile?.t90S ?? 0);
  }
  return rule.progress;
}

/** The minute's cell changed: the rule is read again, later the more there is to read. */
export function forgetProgress(rule: RuleState, minute: number): void {
  const { progress } = rule;
  rule.tryFrom = 0;
  if (progress === null || minute > progress.startMinute + progress.through) return;
  const restMinutes = Math.floor(progress.through / READ_AGAIN_MINUTES);
  rule.restsUntil = progress.startMinute + progress.through + 1 + restMinutes;
  rule.progress = null;
  rule.ordered = null;
}

/** Last minute for which order can't matter any more: at once when nothing is missing below. */
function orderedThrough(state: EngineState, channel: Channel): number {
  const { isNumbered, progress } = channel.gateway;
  const grace = isNumbered && progress.isSettled ? 0 : state.settings.graceMs;
  return Math.floor((channel.watermarkMs - grace) / MINUTE_MS) - 1;
}

/** Takes the minutes up to `minute`, and notes whether the exceedance may be certain by them. */
function advance(
  state: EngineState,
  rule: RuleState,
  definition: RuleDefinition,
  progress: RuleProgress,
  minute: number,
  looks: boolean,
): void {
  const last = Math.min(minute - progress.startMinute, progress.length - 1);
  const first = rule.startMs / MINUTE_MS - progress.startMinute;
  while (progress.through < last) {
    takeMinute(state, rule, definition, progress);
    const { through, width } = progress;
    if (!looks || rule.isAccused || through < first) continue;
    // A sum over the shift only grows, so its last minute says all; a window may have passed.
    if (width === 0 && through < last) continue;
    const isPromising = look(state, rule, definition, progress);
    rule.isPromising = isPromising || (width > 0 && rule.isPromising);
  }
}

function look(
  state: EngineState,
  rule: RuleState,
  definition: RuleDefinition,
  progress: RuleProgress,
): boolean {
  const atMs = (progress.startMinute + progress.through) * MINUTE_MS;
  const reading = progressReading(state, rule, definition, progress, atMs);
  const { profile } = reading;
  if (profile === undefined) return false;
  reading.accusing ??= accusingOf(definition, profile);
  const { definition: accusing, isCapped } = reading.accusing;
  const running = { definition: accusing, progress, profile };
  if (isCapped) return false;
  const limit = runningLimit(running);
  return limit !== undefined && capsOfLimit(limit).length === 0 && mayBeCertain(running);
}

/** The rule by limits that may accuse, and whether anything else keeps it from accusing. */
function accusingOf(
  definition: RuleDefinition,
  profile: NonNullable<RuleProgress['reading']>['profile'],
) {
  const accusing = byProvenLimits(definition) ?? definition;
  const profiles = profile === undefined ? [] : [profile];
  return { definition: accusing, isCapped: capsOf({ ...accusing, profiles }).length > 0 };
}

function emitStanding(
  state: EngineState,
  rule: RuleState,
  definition: RuleDefinition,
  progress: RuleProgress,
  emit: Emit,
): void {
  const atMs = (progress.startMinute + progress.through) * MINUTE_MS;
  const { profile } = progressReading(state, rule, definition, progress, atMs);
  const standing = profile && standingOf({ definition, progress, profile });
  if (standing === undefined) return;
  emit({ kind: 'standing', standing });
  if (rule.hasWarned || standing.state === 'below' || standing.state === 'no-data') return;
  rule.hasWarned = true;
  const { resultKey, asOfMs } = standing;
  const signalKey = digestOf({ kind: 'EARLY_WARNING', resultKey, asOfMs });
  const signal = { kind: 'EARLY_WARNING', signalKey, atMs: asOfMs, standing } as const;
  emit({ kind: 'signal', signal });
}

function seekCertain(
  state: EngineState,
  rule: RuleState,
  { startMinute, through }: RuleProgress,
  emit: Emit,
): void {
  const minute = startMinute + through;
  if (rule.isAccused || !rule.isPromising || minute < rule.tryFrom) return;
  rule.isPromising = false;
  if (!judgeCertain(state, rule, minute, emit)) rule.tryFrom = minute + RETRY_MINUTES;
}
