import { MINUTE_MS } from '../model/time.ts';
import type { Channel, EngineState, RuleState } from './engine-state.ts';
import { channelName } from './registry-history.ts';

/**
 * Rules by the name of each further channel that they read. A rule belongs to its subject's channel;
 * what comes from another must reach it too.
 */
export type FedRules = Map<string, Set<RuleState>>;

/** Notes the further channels of a rule, by its definition as now known. */
export function feedRule(state: EngineState, rule: RuleState): void {
  for (const { channel } of rule.definition?.feeds ?? []) {
    const name = channelName(channel.device, channel.metric);
    const rules = state.fedRules.get(name);
    if (rules === undefined) state.fedRules.set(name, new Set([rule]));
    else rules.add(rule);
  }
}

/** Rules of other channels that read this one. */
export const rulesFedBy = (state: EngineState, channel: Channel): readonly RuleState[] =>
  state.fedRules.size === 0
    ? []
    : [...(state.fedRules.get(channelName(channel.device, channel.metric)) ?? [])];

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
    for (const rule of other.rules) {
      if (atMs < rule.tableStartMs || atMs >= rule.endMs) continue;
      rule.lastDatumAtMs = receivedAtMs;
      if (rule.isClosed) rule.dirtyAtMs = receivedAtMs;
    }
  }
}

/** First minute of a channel that a rule in memory still reads. */
export const firstMinuteRead = (state: EngineState, channel: Channel, own: number): number =>
  Math.min(own, ...rulesFedBy(state, channel).map(({ tableStartMs }) => tableStartMs / MINUTE_MS));

/** Forgets rules that are out of memory. */
export function dropFedRules({ fedRules, rules }: EngineState): void {
  for (const [name, fed] of fedRules) {
    for (const rule of fed) if (rules.get(rule.resultKey) !== rule) fed.delete(rule);
    if (fed.size === 0) fedRules.delete(name);
  }
}
