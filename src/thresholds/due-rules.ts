import type { Emit, EngineState, RuleState } from './engine-state.ts';
import { judgeShift } from './judge-shift.ts';
import { RuleRow } from './rule-row.ts';
import { isThere } from './rule-table.ts';

/**
 * Shifts judged in one entry at most, so that no entry stalls the hub when a province's shifts end in
 * silence together: the rest are judged with the entries that follow.
 */
export const JUDGED_PER_TICK = 1_000;
const JUDGED_PER_ENTRY = 8;

/** Looks for the rules that are due by hub time, in the order of their channels. */
export function findDue(state: EngineState, atMs: number): void {
  state.due.length = 0;
  state.dueNext = 0;
  for (const channel of state.channels) {
    for (let id = channel.firstRule; id >= 0; ) {
      const rule = new RuleRow(state, id);
      if (isDue(state, rule, atMs)) state.due.push(id);
      id = rule.page.next[rule.slot]!;
    }
  }
}

/** Judges rules found due, as many as a tick may. */
export const judgeDue = (state: EngineState, emit: Emit): void =>
  judgeSome(state, JUDGED_PER_TICK, emit);

/** Judges a few of those that the last tick left over. */
export const judgeLeftOver = (state: EngineState, emit: Emit): void =>
  judgeSome(state, JUDGED_PER_ENTRY, emit);

function judgeSome(state: EngineState, countMax: number, emit: Emit): void {
  const { due, rules, tickMs } = state;
  for (let judged = 0; judged < countMax && state.dueNext < due.length; ) {
    const id = due[state.dueNext++]!;
    // Judged or forgotten since, or data have come for it.
    if (!isThere(rules, id)) continue;
    const rule = new RuleRow(state, id);
    if (!isDue(state, rule, tickMs)) continue;
    judgeShift(state, rule, tickMs, emit);
    judged++;
  }
  if (state.dueNext >= due.length) due.length = 0;
  if (due.length === 0) state.dueNext = 0;
}

const isDue = (state: EngineState, rule: RuleState, atMs: number): boolean =>
  rule.isClosed ? isRevisionDue(state, rule, atMs) : isClosingDue(state, rule, atMs);

/**
 * A shift that its channel's watermark hasn't closed: by hub time its end and the grace have passed, and
 * nothing came for it for a while; longer if sequence numbers are missing, or if the channel's own time
 * lags behind the hub's, so that its data are on their way.
 */
function isClosingDue(state: EngineState, rule: RuleState, atMs: number): boolean {
  const { graceMs, lateQuietMs, incompleteAfterMs } = state.settings;
  const { channel } = rule;
  if (channel.watermarkMs < rule.startMs && atMs < channel.lastReceivedAtMs + incompleteAfterMs) {
    return false;
  }
  const lastDatumAtMs =
    channel.watermarkMs > rule.endMs
      ? rule.lastDatumAtMs
      : Math.max(rule.lastDatumAtMs, channel.lastReceivedAtMs);
  const isLagging = channel.lastReceivedAtMs - channel.watermarkMs > graceMs;
  const isComplete = channel.gateway.progress.isSettled && !isLagging;
  const quietMs = isComplete ? lateQuietMs : incompleteAfterMs;
  return atMs >= Math.max(rule.endMs + graceMs, lastDatumAtMs + quietMs);
}

function isRevisionDue(state: EngineState, rule: RuleState, atMs: number): boolean {
  if (rule.dirtyAtMs === null) return false;
  const { lateQuietMs, revisionIntervalMs } = state.settings;
  return atMs >= rule.dirtyAtMs + lateQuietMs && atMs >= rule.evaluatedAtMs + revisionIntervalMs;
}
