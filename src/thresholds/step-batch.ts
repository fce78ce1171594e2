import type { BatchEntry } from '../model/entry.ts';
import { MINUTE_MS, SECOND_MS } from '../model/time.ts';
import { closeMinutes } from './close-minutes.ts';
import { noteClock } from './detectors/gateway-watch.ts';
import { type Channel, type Emit, type EngineState, gatewayOf, waitFor } from './engine-state.ts';
import { judgeShift } from './judge-shift.ts';
import { RuleRow } from './rule-row.ts';
import { livePlanOf, nextRule } from './rule-table.ts';
import { type ClockClass, stateOf } from './second-state.ts';
import { emitOnce } from './signals.ts';
import { noteChain, settle, tellFound } from './step-chain.ts';
import { takeFrame } from './take-frame.ts';
import { dayOf, type Taking } from './taking.ts';

/** A gateway clock that may be wrong by more gives no clue from short windows, or none (design §5). */
const CLOCK_ERROR_MS_SHORT = 2 * SECOND_MS;
const CLOCK_ERROR_MS_ANY = 60 * SECOND_MS;

/** Takes the readings of a batch, closes what their time has passed, judges shifts that are complete. */
export function stepBatch(state: EngineState, entry: BatchEntry, emit: Emit): void {
  const gateway = gatewayOf(state, entry.gateway);
  const wasSettled = gateway.progress.isSettled;
  const found = noteChain(state, gateway, entry, emit);
  noteClock(state.monitor.clocks, gateway.index, entry);
  const clock = clockOf(entry);
  const taking: Taking = {
    state,
    gateway,
    entry,
    clock,
    normalState: stateOf(false, 'N', clock),
    emit,
    touched: [],
    watermarksBefore: [],
  };
  if (taking.clock > 0) noteClockError(taking);
  for (const frame of entry.batch.frames) takeFrame(taking, frame);
  for (let i = 0; i < taking.touched.length; i++) {
    const channel = taking.touched[i]!;
    channel.isTouched = false;
    const newest = Math.floor(channel.watermarkMs / MINUTE_MS) - 1;
    if (newest > channel.closedThrough) closeMinutes(state, channel, emit);
    closeShifts(taking, channel, taking.watermarksBefore[i]!);
  }
  tellFound(state, gateway, found, entry.receivedAtMs, emit);
  if (!wasSettled && gateway.progress.isSettled) settle(state, gateway, entry.receivedAtMs, emit);
}

function clockOf({ batch: { clock } }: BatchEntry): ClockClass {
  if (clock === undefined) return 0;
  // A clock that nothing sets can't know how wrong it is: good enough for shifts, not for short windows.
  const leastMs = clock.source === 'free' ? CLOCK_ERROR_MS_SHORT + 1 : 0;
  const errorMs = Math.max(leastMs, Math.abs(clock.offsetMs) + clock.errMs);
  return errorMs > CLOCK_ERROR_MS_ANY ? 2 : errorMs > CLOCK_ERROR_MS_SHORT ? 1 : 0;
}

function noteClockError({ gateway, clock, entry, emit }: Taking): void {
  const reason = clock === 2 ? 'error-above-60s' : 'error-above-2s';
  emitOnce(gateway, 'CLOCK', dayOf(entry.receivedAtMs), { reason }, emit);
}

/** Judges the shifts whose end and grace the channel has just passed; unsettled ones wait. */
function closeShifts(taking: Taking, channel: Channel, watermarkBefore: number): void {
  const { state, gateway, entry, emit } = taking;
  const { graceMs } = state.settings;
  const { watermarkMs } = channel;
  for (let id = channel.firstRule; id >= 0; id = nextRule(state.rules, id)) {
    const { shift } = livePlanOf(state.rules, id).plan.subject;
    if (watermarkMs < shift.endMs + graceMs || watermarkBefore >= shift.endMs + graceMs) continue;
    const rule = new RuleRow(state, id);
    if (rule.isClosed) continue;
    if (gateway.progress.isSettled) judgeShift(state, rule, entry.receivedAtMs, emit);
    else waitFor(gateway, id);
  }
}
