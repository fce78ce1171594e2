import { MINUTE_MS } from '../model/time.ts';
import type { Channel, EngineState, RuleState } from './engine-state.ts';
import { channelName } from './registry-history.ts';
import { RuleRow } from './rule-row.ts';
import { rulesOf } from './rule-states.ts';

/**
 * Numbers of rules by the name of each further channel that they read. A rule belongs to its subject's channel;
 * what comes from another must reach it too.
 */
export type FedRules = Map<string, Set<number>>;

/** Notes the further channels of a rule, by its definition as now known. */
export function feedRule(state: EngineState, rule: RuleState): void {
  for (const { channel } of rule.live.plan.feeds) {
    const name = channelName(channel.device, channel.metric);
    const rules = state.fedRules.get(name);
    if (rules === undefined) state.fedRules.set(name, new Set([rule.id]));
    else rules.add(rule.id);
  }
}

/** Rules of other channels that read this one. */
export const rulesFedBy = (state: EngineState, channel: Channel): readonly RuleState[] =>
  state.fedRules.size === 0
    ? []
    : rulesFedByName(state, channelName(channel.device, channel.metric));

export const rulesFedByName = (state: EngineState, name: string): readonly RuleState[] =>
  [...(state.fedRules.get(name) ?? [])].map((id) => new RuleRow(state, id));

/** A datum came in a minute of a further channel: shifts judged already are judged again. */
export function noteFed(
  state: EngineState,
  channel: Channel,
  minute: number,
  receivedAtMs: number,
): void {
  for (const rule of rulesFedBy(state, channel)) {
    const atMs = minute * MINUTE_MS;
    if (atMs < rule.tableStartMs || atMs >= rule.endMs) continue;
    rule.lastDatumAtMs = receivedAtMs;
    if (rule.isClosed) rule.dirtyAtMs = receivedAtMs;
  }
}

/** A datum came by another gateway than the one the rule began with: it is the rule's all the same. */
export function noteShared(
  state: EngineState,
  channel: Channel,
  minute: number,
  receivedAtMs: number,
): void {
  const atMs = minute * MINUTE_MS;
  for (const other of state.channelsByName.ofDevice(channel.device)) {
    if (other === channel || other.metric !== channel.metric) continue;
    for (const rule of rulesOf(state, other)) {
      if (atMs < rule.tableStartMs || atMs >= rule.endMs) continue;
      rule.lastDatumAtMs = receivedAtMs;
      if (rule.isClosed) rule.dirtyAtMs = receivedAtMs;
    }
  }
}

/** First minute of a channel that a rule in memory still reads. */
export const firstMinuteRead = (state: EngineState, channel: Channel, own: number): number =>
  Math.min(own, ...rulesFedBy(state, channel).map(({ tableStartMs }) => tableStartMs / MINUTE_MS));

/** Forgets what a rule read, by the definition that it had. */
export function unfeedRule({ fedRules }: EngineState, rule: RuleState): void {
  for (const { channel } of rule.live.plan.feeds) {
    const name = channelName(channel.device, channel.metric);
    const rules = fedRules.get(name);
    rules?.delete(rule.id);
    if (rules?.size === 0) fedRules.delete(name);
  }
}
