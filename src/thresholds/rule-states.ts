import { DAY_MS, MINUTE_MS } from '../model/time.ts';
import { refOf } from './build-inputs.ts';
import type { Channel, EngineState, RuleState } from './engine-state.ts';
import { feedRule } from './fed-rules.ts';
import { type RuleDefinition, tableStartMs } from './rule-definition.ts';
import { rulesOfDay } from './rule-schedule.ts';
import { shareParts } from './share-parts.ts';

/** Days of channels whose rules are remembered; all are forgotten when it is full. */
const DAYS_MAX = 1_024;

/** Rules of the channel in shifts that start on a UTC day, by the facts now known. */
export function definitionsOfDay(
  state: EngineState,
  channel: Channel,
  day: number,
): readonly RuleDefinition[] {
  const { days, history, limitSet } = state;
  const key = `${channel.cells.index} ${day} ${history.changes}`;
  let definitions = days.get(key);
  if (definitions === undefined) {
    if (days.size >= DAYS_MAX) days.clear();
    definitions = rulesOfDay(history, limitSet, refOf(channel), day * DAY_MS).map((definition) =>
      shareParts(state.parts, definition),
    );
    days.set(key, definitions);
  }
  return definitions;
}

/** Makes the states of rules with a shift in the minutes; a shift lasts less than two days. */
export function ensureRules(
  state: EngineState,
  channel: Channel,
  firstMinute: number,
  lastMinute: number,
): void {
  const { page } = channel;
  const { slot } = channel.cells;
  if (page.settledFrom[slot]! <= firstMinute && lastMinute < page.settledUntil[slot]!) return;
  const fromMs = firstMinute * MINUTE_MS;
  const untilMs = (lastMinute + 1) * MINUTE_MS;
  const dayEnd = Math.ceil(untilMs / DAY_MS);
  let nextStartMs = dayEnd * DAY_MS;
  for (let day = Math.floor(fromMs / DAY_MS) - 1; day < dayEnd; day++) {
    for (const definition of definitionsOfDay(state, channel, day)) {
      const { startMs, endMs } = definition.subject.shift;
      if (startMs >= untilMs) nextStartMs = Math.min(nextStartMs, startMs);
      else if (endMs > fromMs) ensureRule(state, channel, definition);
    }
  }
  page.settledFrom[slot] = firstMinute;
  page.settledUntil[slot] = Math.floor(nextStartMs / MINUTE_MS);
}

/** The state of a rule; made when it is new and its minutes are still in memory. */
export function ensureRule(
  state: EngineState,
  channel: Channel,
  definition: RuleDefinition,
): RuleState | undefined {
  const known = state.rules.get(definition.resultKey);
  if (known !== undefined) return known;
  if (tableStartMs(definition) / MINUTE_MS < channel.droppedBefore) return undefined;
  const rule: RuleState = {
    channel,
    resultKey: definition.resultKey,
    startMs: definition.subject.shift.startMs,
    endMs: definition.subject.shift.endMs,
    tableStartMs: tableStartMs(definition),
    definition,
    isOrphan: false,
    revision: 0,
    resultHash: '',
    verdict: null,
    isAccused: false,
    obstacles: '',
    hasWarned: false,
    isClosed: false,
    lastDatumAtMs: channel.lastReceivedAtMs,
    dirtyAtMs: null,
    evaluatedAtMs: 0,
    isPromising: false,
    tryFrom: 0,
    restsUntil: 0,
    progress: null,
    ordered: null,
  };
  state.rules.set(definition.resultKey, rule);
  channel.rules.push(rule);
  feedRule(state, rule);
  // Found by late data: it is judged when the gateway settles, or by a tick.
  if (isPast(state, rule)) channel.gateway.waiting.add(rule);
  return rule;
}

/** The rule's definition; after a restore it is looked up when first needed. */
export function definitionOf(state: EngineState, rule: RuleState): RuleDefinition {
  rule.definition ??= lookUpDefinition(state, rule) ?? null;
  if (rule.definition === null) throw new Error(`No shift for result ${rule.resultKey} is known`);
  return rule.definition;
}

/** The definition by the facts now known; undefined: they don't know the shift any more. */
export function lookUpDefinition(
  state: EngineState,
  { channel, startMs, resultKey }: RuleState,
): RuleDefinition | undefined {
  const day = Math.floor(startMs / DAY_MS);
  return definitionsOfDay(state, channel, day).find(
    (definition) => definition.resultKey === resultKey,
  );
}

/** Whether the rule reads the cells of a minute. */
export const readsMinute = (rule: RuleState, minute: number): boolean => {
  const atMs = minute * MINUTE_MS;
  return rule.tableStartMs <= atMs && atMs < rule.endMs;
};

/** Whether the channel has passed the shift's end and the grace. */
export const isPast = (state: EngineState, rule: RuleState): boolean =>
  rule.channel.watermarkMs >= rule.endMs + state.settings.graceMs;
