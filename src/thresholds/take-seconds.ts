import { HOUR_MS, MINUTE_MS } from '../model/time.ts';
import { putDatum } from './cell-store.ts';
import { flushLateCell } from './close-minutes.ts';
import { type Channel, waitFor } from './engine-state.ts';
import { noteFed, noteShared } from './fed-rules.ts';
import { reachOwners } from './feed-owners.ts';
import { forgetProgress } from './follow-rule.ts';
import { CONFLICTED, UNCHANGED } from './minute-cell.ts';
import { ensureRules, isPast, readsMinute, rulesOf, startEarlier } from './rule-states.ts';
import type { SecondState } from './second-state.ts';
import { emitOnce } from './signals.ts';
import { dayOf, type Taking } from './taking.ts';

/** Puts one datum into the seconds `from` to `to` (0–59) of a minute, and notes what it changes. */
export function takeSeconds(
  taking: Taking,
  channel: Channel,
  minute: number,
  from: number,
  to: number,
  secondState: SecondState,
  value: number,
): void {
  if (minute < channel.droppedBefore) {
    noteBeyondHorizon(taking, channel, minute);
    return;
  }
  const outcome = putDatum(channel.cells, minute, from, to, secondState, value);
  if (outcome === UNCHANGED) return;
  if (outcome === CONFLICTED) noteConflict(taking, channel, minute);
  if (minute <= channel.closedThrough) noteLate(taking, channel, minute);
  const { state, entry } = taking;
  if (state.fedRules.size > 0) noteFed(state, channel, minute, entry.receivedAtMs);
  if (state.shared.size > 0 && state.shared.has(channel)) {
    noteShared(state, channel, minute, entry.receivedAtMs);
  }
}

/** Data too old for the engine's memory are not evaluated, and never silently so. */
export function noteBeyondHorizon(
  { gateway, emit }: Taking,
  channel: Channel,
  minute: number,
): void {
  const { device, metric } = channel;
  const detail = { reason: 'beyond-horizon', device, metric };
  emitOnce(gateway, 'DATA_GAP', dayOf(minute * MINUTE_MS), detail, emit);
}

function noteConflict({ gateway, emit }: Taking, channel: Channel, minute: number): void {
  const { device, metric } = channel;
  const hourMs = Math.floor((minute * MINUTE_MS) / HOUR_MS) * HOUR_MS;
  emitOnce(gateway, 'CONFLICT', hourMs, { reason: 'second', device, metric }, emit);
}

/** A minute that was closed changed: what was made from it is made again when the data have settled. */
function noteLate(taking: Taking, channel: Channel, minute: number): void {
  const { state, gateway, entry, emit } = taking;
  if (channel.lateMinute !== minute) {
    flushLateCell(state, channel, emit);
    channel.lateMinute = minute;
    ensureRules(state, channel, minute, minute);
    reachOwners(state, channel, minute, minute, emit);
  }
  if (minute < channel.firstMinute) startEarlier(state, channel, minute);
  for (const rule of rulesOf(state, channel)) {
    if (!readsMinute(rule, minute)) continue;
    rule.lastDatumAtMs = entry.receivedAtMs;
    forgetProgress(rule, minute);
    if (!isPast(state, rule)) {
      rule.isClosed = false;
      continue;
    }
    if (rule.isClosed) rule.dirtyAtMs = entry.receivedAtMs;
    waitFor(gateway, rule.id);
  }
}
