import { MINUTE_MS } from '../model/time.ts';
import { hasCell, readCellInto } from './cell-store.ts';
import { cellSummary } from './cell-summary.ts';
import { channelFacts } from './channel-facts.ts';
import { closing } from './closing-minute.ts';
import { type ClosedCell, watchMinute } from './detectors/watch-minute.ts';
import type { Channel, Emit, EngineState } from './engine-state.ts';
import { followFed } from './feed-owners.ts';
import { followRule } from './follow-rule.ts';
import { RuleRow } from './rule-row.ts';
import { ensureRules } from './rule-states.ts';
import { livePlanOf, nextRule } from './rule-table.ts';
import { emitOnce } from './signals.ts';
import { dayOf } from './taking.ts';

/**
 * Closes the minutes of a channel that its watermark has passed: gives their cells and, for the newest,
 * where each running rule stands, an early warning, and an exceedance that has become certain.
 */
export function closeMinutes(state: EngineState, channel: Channel, emit: Emit): void {
  const newest = Math.floor(channel.watermarkMs / MINUTE_MS) - 1;
  const horizonMinutes = state.settings.horizonMs / MINUTE_MS;
  const first = Math.max(channel.closedThrough + 1, newest - horizonMinutes);
  channel.closedThrough = newest;
  for (let minute = first; minute <= newest; minute++) {
    if (!hasCell(channel.cells, minute)) continue;
    const closed = emitCell(state, channel, minute, emit);
    closing.channel = channel;
    if (closed !== undefined) watchMinute(state, channel, closed, emit);
    else noteUnregistered(channel, minute, emit);
  }
  ensureRules(state, channel, first, newest);
  for (let id = channel.firstRule; id >= 0; id = nextRule(state.rules, id)) {
    const { shift } = livePlanOf(state.rules, id).plan.subject;
    if (shift.endMs <= first * MINUTE_MS || shift.startMs > newest * MINUTE_MS) continue;
    const rule = new RuleRow(state, id);
    rule.lastDatumAtMs = channel.lastReceivedAtMs;
    // Data for a shift that silence had closed: by their own time it is still running, or ends with them.
    rule.isClosed = false;
    followRule(state, rule, newest, emit);
  }
  closing.channel = null;
  followFed(state, channel, first, newest, emit);
}

/** Data of a channel that the registry, by now, doesn't know at its gateway: kept, proof of nothing, and told once a day. */
function noteUnregistered({ gateway, device, metric }: Channel, minute: number, emit: Emit): void {
  const detail = { reason: 'unregistered-minutes', device, metric };
  emitOnce(gateway, 'DATA_GAP', dayOf(minute * MINUTE_MS), detail, emit);
}

/** Gives a minute for the charts; undefined: nothing came for it, or the facts don't know the metric. */
export function emitCell(
  state: EngineState,
  channel: Channel,
  minute: number,
  emit: Emit,
): ClosedCell | undefined {
  const { cell } = closing;
  const isThere = readCellInto(channel.cells, minute, cell);
  const facts = channelFacts(state.history, channel, minute * MINUTE_MS);
  const { profile } = facts;
  if (!isThere || profile === undefined) return undefined;
  const ref = { device: channel.device, metric: channel.metric };
  const summary = cellSummary(ref, cell, profile);
  emit({ kind: 'cell', cell: summary });
  return { cell, summary, facts };
}

/** Shows a closed minute again that late data changed. */
export function flushLateCell(state: EngineState, channel: Channel, emit: Emit): void {
  if (channel.lateMinute < 0) return;
  emitCell(state, channel, channel.lateMinute, emit);
  channel.lateMinute = -1;
}
