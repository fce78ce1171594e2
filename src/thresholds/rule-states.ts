import { DAY_MS, MINUTE_MS } from '../model/time.ts';
import { refOf } from './build-inputs.ts';
import { type Channel, type EngineState, type RuleState, waitFor } from './engine-state.ts';
import { feedRule, unfeedRule } from './fed-rules.ts';
import { channelName } from './registry-history.ts';
import { type RuleDefinition, tableStartMs } from './rule-definition.ts';
import { definitionFrom } from './rule-plan.ts';
import { RuleRow } from './rule-row.ts';
import { rulesOfDay } from './rule-schedule.ts';
import { addRule, findRule, type RuleKey, removeRule } from './rule-table.ts';

/** Days of channels whose rules are remembered; all are forgotten when it is full. */
const DAYS_MAX = 1_024;

/** Rules of the channel in shifts that start on a UTC day, by the facts now known. */
export function definitionsOfDay(
  state: EngineState,
  channel: Channel,
  day: number,
): readonly RuleDefinition[] {
  const { days, history, limitSet } = state;
  const key = `${channel.index} ${day} ${history.changes}`;
  let definitions = days.get(key);
  if (definitions === undefined) {
    if (days.size >= DAYS_MAX) days.clear();
    definitions = rulesOfDay(history, limitSet, refOf(channel), day * DAY_MS);
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
  const { own: page, slot } = channel;
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

/** A channel is known from earlier on: shifts between went by with it, though nothing came of them. */
export function startEarlier(state: EngineState, channel: Channel, minute: number): void {
  const reach = channel.closedThrough - state.settings.horizonMs / MINUTE_MS;
  ensureRules(state, channel, Math.max(minute, reach), channel.firstMinute);
  channel.firstMinute = minute;
}

/** The rules of a channel, in the order in which they came to be. */
export function rulesOf(state: EngineState, channel: Channel): readonly RuleState[] {
  const rules: RuleState[] = [];
  for (let id = channel.firstRule; id >= 0; ) {
    const rule = new RuleRow(state, id);
    rules.push(rule);
    id = rule.page.next[rule.slot]!;
  }
  return rules;
}

/** The state of a rule; made when it is new and its minutes are still in memory. */
export function ensureRule(
  state: EngineState,
  channel: Channel,
  definition: RuleDefinition,
): RuleState | undefined {
  const known = findRule(state.rules, ruleKeyOf(definition));
  if (known >= 0) return new RuleRow(state, known);
  if (tableStartMs(definition) / MINUTE_MS < channel.droppedBefore) return undefined;
  const rule = new RuleRow(state, addRule(state.rules, channel.index, definition));
  rule.lastDatumAtMs = channel.lastReceivedAtMs;
  appendRule(state, channel, rule.id);
  feedRule(state, rule);
  // Found by late data: it is judged when the gateway settles, or by a tick.
  if (isPast(state, rule)) waitFor(channel.gateway, rule.id);
  return rule;
}

const ruleKeyOf = ({ subject }: RuleDefinition): RuleKey => ({
  ...subject,
  startMs: subject.shift.startMs,
});

function appendRule(state: EngineState, channel: Channel, id: number): void {
  const last = rulesOf(state, channel).at(-1);
  if (last === undefined) channel.firstRule = id;
  else last.page.next[last.slot] = id;
}

/** Forgets a rule and all that refers to it. */
export function forgetRule(state: EngineState, rule: RuleState): void {
  takeOff(state, rule);
  unfeedRule(state, rule);
  removeRule(state.rules, rule.id);
}

/** The rule belongs to another channel; its revisions and what it said go with it. */
export function giveRule(state: EngineState, rule: RuleState, channel: Channel): void {
  const { id, page, slot } = rule;
  takeOff(state, rule);
  page.channel[slot] = channel.index;
  page.next[slot] = -1;
  appendRule(state, channel, id);
  if (isPast(state, rule)) waitFor(channel.gateway, id);
}

/** Takes the rule from its channel. */
function takeOff(state: EngineState, { channel, id, page, slot }: RuleState): void {
  const after = page.next[slot]!;
  const before = rulesOf(state, channel).find((one) => one.page.next[one.slot] === id);
  if (before === undefined) channel.firstRule = after;
  else before.page.next[before.slot] = after;
  channel.gateway.waiting?.delete(id);
}

/** The rule as the facts define it, or last did. */
export const definitionOf = (rule: RuleState): RuleDefinition =>
  definitionFrom(rule.live.plan, rule.subject);

/** A rule's definition by the facts now known, and the channel that it belongs to by them. */
export interface OwnedDefinition {
  readonly channel: Channel;
  readonly definition: RuleDefinition;
}

/** Undefined: the facts don't know the shift any more. The post's sensor may have been another all along. */
export function findOwner(state: EngineState, rule: RuleState): OwnedDefinition | undefined {
  const { channel } = rule;
  const name = channelName(channel.device, channel.metric);
  const names = [name, ...(state.history.feedIndex.ownersOf.get(name) ?? [])];
  const others = names.flatMap((of) => state.channelsByName.get(of) ?? []);
  for (const of of [channel, ...others]) {
    const definition = lookUpDefinition(state, rule, of);
    if (definition !== undefined) return { channel: of, definition };
  }
  return undefined;
}

function lookUpDefinition(
  state: EngineState,
  { startMs, subject }: RuleState,
  channel: Channel,
): RuleDefinition | undefined {
  const { post, crew, factor, limitKind } = subject;
  return definitionsOfDay(state, channel, Math.floor(startMs / DAY_MS)).find(
    ({ subject: of }) =>
      of.shift.startMs === startMs &&
      of.limitKind === limitKind &&
      of.factor === factor &&
      of.post === post &&
      of.crew === crew,
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
