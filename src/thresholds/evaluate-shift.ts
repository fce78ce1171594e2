import type { Frame } from '../model/batch.ts';
import type { Fact } from '../model/facts.ts';
import type { CrewId, GatewayId } from '../model/ids.ts';
import { DAY_MS, SECOND_MS } from '../model/time.ts';
import { buildInputs } from './build-inputs.ts';
import { putDatum } from './cell-store.ts';
import { DEFAULT_ENGINE_SETTINGS } from './engine-settings.ts';
import {
  addChannel,
  type Channel,
  createEngineState,
  type EngineState,
  gatewayOf,
} from './engine-state.ts';
import { evaluateRule, type RuleResult } from './evaluate-rule.ts';
import { type LimitSet, loadLimitSet } from './limits/limit-set.ts';
import { CELL_SECONDS } from './minute-cell.ts';
import { addFact } from './registry-history.ts';
import type { RuleDefinition } from './rule-definition.ts';
import { definitionsOfDay } from './rule-states.ts';
import { type ClockClass, stateOf } from './second-state.ts';
import { shiftSumOf } from './shift-sums.ts';

/** What is known of one shift, and of those before it in the crew's cycle. */
export interface ShiftEvidence {
  /** In the order in which they were learnt. */
  readonly facts: readonly Fact[];
  /** In any order, any number of times. */
  readonly frames: readonly {
    readonly gateway: GatewayId;
    readonly frame: Frame;
    /** How wrong the gateway's clock was; absent: up to 2 s. */
    readonly clock?: ClockClass;
  }[];
  readonly crew: CrewId;
  readonly shiftStartMs: number;
  readonly limitSet?: LimitSet;
}

/**
 * Judges one shift of a crew from frames, slow and obvious: every second is put in its place, then each
 * rule is asked once. The engine, whatever the order and the batches, ends with the same results.
 */
export function evaluateShift(evidence: ShiftEvidence): readonly RuleResult[] {
  const { facts, frames, crew, shiftStartMs, limitSet = loadLimitSet() } = evidence;
  const state = createEngineState(DEFAULT_ENGINE_SETTINGS, limitSet);
  for (const [i, fact] of facts.entries()) addFact(state.history, i + 1, fact);
  for (const { gateway, frame, clock = 0 } of frames) putFrame(state, gateway, frame, clock);
  const day = Math.floor(shiftStartMs / DAY_MS);
  return state.channels.flatMap((channel) =>
    definitionsOfDay(state, channel, day)
      .filter(({ subject }) => subject.crew === crew && subject.shift.startMs === shiftStartMs)
      .map((definition) => judge(state, channel, definition)),
  );
}

function putFrame(state: EngineState, gateway: GatewayId, frame: Frame, clock: ClockClass): void {
  const { device, at, spanMs, values, flags } = frame;
  for (const name in values) {
    const metric = name as keyof typeof values;
    const value = values[metric] ?? null;
    const second = stateOf(value === null, flags?.[metric] ?? 'N', clock);
    const channel = channelOf(state, gateway, device, metric);
    for (let s = (at - spanMs) / SECOND_MS; s < at / SECOND_MS; s++) {
      const minute = Math.floor(s / CELL_SECONDS);
      const within = s - minute * CELL_SECONDS;
      // −0 and 0 are one reading.
      putDatum(channel.cells, minute, within, within, second, (value ?? 0) + 0);
    }
  }
}

function channelOf(
  state: EngineState,
  gateway: GatewayId,
  device: Frame['device'],
  metric: keyof Frame['values'],
): Channel {
  const known = state.channels.find(
    (one) => one.gateway.id === gateway && one.device === device && one.metric === metric,
  );
  return known ?? addChannel(state, gatewayOf(state, gateway), device, metric);
}

function judge(state: EngineState, channel: Channel, definition: RuleDefinition): RuleResult {
  for (const { resultKey, startMs } of definition.cycle?.earlier ?? []) {
    if (state.shiftSums.has(resultKey)) continue;
    const before = definitionsOfDay(state, channel, Math.floor(startMs / DAY_MS)).find(
      (one) => one.resultKey === resultKey,
    );
    if (before !== undefined) judge(state, channel, before);
  }
  const inputs = buildInputs(state, channel, definition, Number.POSITIVE_INFINITY, []);
  const judged = evaluateRule(inputs);
  if (definition.cycle !== null) {
    state.shiftSums.set(definition.resultKey, shiftSumOf(inputs, judged));
  }
  return judged;
}
