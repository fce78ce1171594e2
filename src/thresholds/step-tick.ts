import { DAY_MS, MINUTE_MS } from '../model/time.ts';
import { cellMinutes, dropCellsBefore } from './cell-store.ts';
import { flushLateCell } from './close-minutes.ts';
import { watchTick } from './detectors/watch-tick.ts';
import { findDue, judgeDue } from './due-rules.ts';
import type { Channel, Emit, EngineState } from './engine-state.ts';
import { firstMinuteRead } from './fed-rules.ts';
import { feedsOf, heardThroughMs, isHeard } from './feed-owners.ts';
import { judgeShift } from './judge-shift.ts';
import { definitionsOfDay, ensureRule, ensureRules, forgetRule, rulesOf } from './rule-states.ts';
import { dropShiftSums } from './shift-sums.ts';
import { noteUnjudged } from './unjudged.ts';

/** Minutes of memory that are dropped at once. */
const DROP_MINUTES = 60;

/** Hub time has come to `atMs`: silence closes shifts, quiet lets changed ones be judged again. */
export function stepTick(state: EngineState, atMs: number, emit: Emit): void {
  const isNewDay = Math.floor(atMs / DAY_MS) > Math.floor(state.tickMs / DAY_MS);
  state.tickMs = Math.max(state.tickMs, atMs);
  if (isNewDay) {
    dropShiftSums(state);
    noteUnjudged(state, atMs, emit);
  }
  for (const channel of state.channels) {
    flushLateCell(state, channel, emit);
    if (channel.needsRescan) rescan(state, channel);
    if (channel.firstMinute > 0) addSilentRules(state, channel, atMs);
  }
  findDue(state, atMs);
  judgeDue(state, emit);
  for (const channel of state.channels) dropOld(state, channel, atMs, emit);
  watchTick(state, atMs, emit);
}

/** Shifts in memory that the facts learnt since now know of. */
function rescan(state: EngineState, channel: Channel): void {
  channel.needsRescan = false;
  for (const { cells } of [channel, ...feedsOf(state, channel)]) {
    for (const minute of cellMinutes(cells)) ensureRules(state, channel, minute, minute);
  }
}

/** Shifts that went by while the channel was silent: closed as incomplete, not forgotten. */
function addSilentRules(state: EngineState, channel: Channel, atMs: number): void {
  const { graceMs, horizonMs, incompleteAfterMs } = state.settings;
  if (atMs < channel.lastReceivedAtMs + incompleteAfterMs) return;
  const { own: page, slot } = channel;
  if (atMs < page.silentUntilMs[slot]!) return;
  const knownMs = isHeard(channel) ? channel.watermarkMs : channel.firstMinute * MINUTE_MS;
  const fromMs = Math.max(knownMs, atMs - horizonMs);
  const dayEnd = Math.floor(atMs / DAY_MS) + 1;
  let nextMs = dayEnd * DAY_MS;
  for (let day = Math.floor(fromMs / DAY_MS) - 1; day < dayEnd; day++) {
    for (const definition of definitionsOfDay(state, channel, day)) {
      const { endMs } = definition.subject.shift;
      if (endMs + graceMs > atMs) nextMs = Math.min(nextMs, endMs + graceMs);
      else if (endMs > fromMs) ensureRule(state, channel, definition);
    }
  }
  page.silentUntilMs[slot] = nextMs;
}

/**
 * Forgets what lies further than the horizon behind what was heard of the channel or the hub's tick,
 * whichever is earlier; a shift not judged yet is judged first.
 */
function dropOld(state: EngineState, channel: Channel, nowMs: number, emit: Emit): void {
  const heardMs = heardThroughMs(state, channel);
  const horizonMs = Math.min(heardMs, state.tickMs) - state.settings.horizonMs;
  const before = Math.floor(horizonMs / MINUTE_MS);
  if (before < channel.droppedBefore + DROP_MINUTES) return;
  channel.droppedBefore = before;
  let keptFrom = before;
  for (const rule of rulesOf(state, channel)) {
    if (rule.endMs > horizonMs) {
      keptFrom = Math.min(keptFrom, rule.tableStartMs / MINUTE_MS);
      continue;
    }
    if (!rule.isClosed || rule.dirtyAtMs !== null) judgeShift(state, rule, nowMs, emit);
    forgetRule(state, rule);
  }
  dropCellsBefore(channel.cells, firstMinuteRead(state, channel, keptFrom));
}
