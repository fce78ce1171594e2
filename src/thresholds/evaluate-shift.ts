import type { Frame } from '../model/batch.ts';
import type { Fact } from '../model/facts.ts';
import type { CrewId, GatewayId } from '../model/ids.ts';
import { DAY_MS, MINUTE_MS, SECOND_MS } from '../model/time.ts';
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
import { feedsOf, isHeard, wakeOwner } from './feed-owners.ts';
import { type LimitSet, loadLimitSet } from './limits/limit-set.ts';
import { CELL_SECONDS } from './minute-cell.ts';
import { addFact } from './registry-history.ts';
import type { RuleDefinition } from './rule-definition.ts';
import { definitionsOfDay } from './rule-states.ts';
import { type ClockClass, stateOf, wideState } from './second-state.ts';
import { shiftSumOf } from './shift-sums.ts';
import { crossesMinute } from './wide-mean.ts';

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
  const { feedsOf: owners } = state.history.feedIndex;
  for (const owner of owners.keys()) wakeOwner(state, owner, () => undefined);
  const day = Math.floor(shiftStartMs / DAY_MS);
  return state.channels.flatMap((channel) =>
    definitionsOfDay(state, channel, day)
      .filter(({ subject }) => subject.crew === crew && subject.shift.startMs === shiftStartMs)
      .filter((definition) => isKnownBy(state, channel, definition))
      .map((definition) => judge(state, channel, definition)),
  );
}

/**
 * A channel is known from its first datum on, or from that of one that measures for its rules: shifts before it
 * went by unseen, and have no result.
 */
const isKnownBy = (state: EngineState, channel: Channel, { subject }: RuleDefinition): boolean =>
  [channel, ...feedsOf(state, channel).filter(isHeard)].some(
    ({ firstMinute }) => firstMinute * MINUTE_MS < subject.shift.endMs,
  );

function putFrame(state: EngineState, gateway: GatewayId, frame: Frame, clock: ClockClass): void {
  const { device, at, spanMs, values, flags } = frame;
  for (const name in values) {
    const metric = name as keyof typeof values;
    const value = values[metric] ?? null;
    const second = stateOf(value === null, flags?.[metric] ?? 'N', clock);
    const channel = channelOf(
      state,
      gateway,
      device,
      metric,
      Math.floor((at - spanMs) / MINUTE_MS),
    );
    channel.watermarkMs = Math.max(channel.watermarkMs, at);
    const first = (at - spanMs) / SECOND_MS;
    const last = at / SECOND_MS - 1;
    for (let s = first; s <= last; s++) {
      const minute = Math.floor(s / CELL_SECONDS);
      const within = s - minute * CELL_SECONDS;
      const part = s === first ? 0 : s === last ? 2 : 1;
      const put = crossesMinute(at, spanMs) ? wideState(second, part) : second;
      // −0 and 0 are one reading.
      putDatum(channel.cells, minute, within, within, put, (value ?? 0) + 0);
    }
  }
}

function channelOf(
  state: EngineState,
  gateway: GatewayId,
  device: Frame['device'],
  metric: keyof Frame['values'],
  minute: number,
): Channel {
  const known = state.channels.find(
    (one) => one.gateway.id === gateway && one.device === device && one.metric === metric,
  );
  const channel = known ?? addChannel(state, gatewayOf(state, gateway), device, metric);
  channel.firstMinute = known === undefined ? minute : Math.min(known.firstMinute, minute);
  return channel;
}

function judge(state: EngineState, channel: Channel, definition: RuleDefinition): RuleResult {
  for (const { resultKey, startMs } of definition.cycle?.earlier ?? []) {
    if (state.shiftSums.has(resultKey)) continue;
    // Another channel's, when the post's sensor was replaced meanwhile.
    for (const of of state.channels) {
      const before = definitionsOfDay(state, of, Math.floor(startMs / DAY_MS)).find(
        (one) => one.resultKey === resultKey,
      );
      if (before !== undefined && isKnownBy(state, of, before)) judge(state, of, before);
    }
  }
  const inputs = buildInputs(state, channel, definition, Number.POSITIVE_INFINITY, []);
  const judged = evaluateRule(inputs);
  if (definition.cycle !== null) {
    state.shiftSums.set(definition.resultKey, shiftSumOf(inputs, judged));
  }
  return judged;
}
