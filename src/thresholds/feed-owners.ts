import type { DeviceId, GatewayId, MetricName } from '../model/ids.ts';
import { MINUTE_MS } from '../model/time.ts';
import { profileOf } from './channel-facts.ts';
import {
  addChannel,
  type Channel,
  type Emit,
  type EngineState,
  gatewayOf,
} from './engine-state.ts';
import { rulesFedBy } from './fed-rules.ts';
import { followComposite } from './follow-composite.ts';
import { channelName, versionsOf } from './registry-history.ts';
import { ensureRules, startEarlier } from './rule-states.ts';
import { livePlanOf } from './rule-table.ts';
import { isLookedAt } from './running-number.ts';
import { emitOnce } from './signals.ts';
import { dayOf } from './taking.ts';

/** A rule's own channel goes before; when it lags by more, the others move the rule on. */
const LAG_MINUTES = 2;

const nameOf = ({ device, metric }: Channel): string => channelName(device, metric);

/** Whether anything ever came of the channel; if not, it is there for rules that others measure for. */
export const isHeard = ({ watermarkMs }: Channel): boolean => watermarkMs > 0;

/**
 * Event time to which a channel's rules have been heard of: by the channel itself, or by those that stand in for it
 * when it never spoke or is retired, so that its rules don't stay in memory for ever.
 */
export function heardThroughMs(state: EngineState, channel: Channel): number {
  const { watermarkMs, firstRule } = channel;
  if (firstRule < 0 || state.fedRules.size === 0)
    return isHeard(channel) ? watermarkMs : state.tickMs;
  const { first, feeds } = livePlanOf(state.rules, firstRule).plan;
  if (isHeard(channel) && first?.role !== 'fallback') return watermarkMs;
  const names = feeds.map((feed) => channelName(feed.channel.device, feed.channel.metric));
  const heard = channelsNamed(state, names).map((feed) => feed.watermarkMs);
  return Math.max(watermarkMs, ...heard);
}

/** Channels whose rules this one may measure for. */
export function ownersOf(state: EngineState, channel: Channel): readonly Channel[] {
  const { ownersOf: owners } = state.history.feedIndex;
  if (owners.size === 0) return [];
  return channelsNamed(state, owners.get(nameOf(channel)) ?? []);
}

/** Channels that may measure for the rules of this one. */
export const feedsOf = (state: EngineState, channel: Channel): readonly Channel[] =>
  channelsNamed(state, state.history.feedIndex.feedsOf.get(nameOf(channel)) ?? []);

const channelsNamed = (
  { channelsByName }: EngineState,
  names: Iterable<string>,
): readonly Channel[] => [...names].flatMap((name) => channelsByName.get(name) ?? []);

/** Makes the owners of rules that a channel measures for, which would else not be judged. */
export function wakeOwners(state: EngineState, channel: Channel, emit: Emit): void {
  const { ownersOf: owners } = state.history.feedIndex;
  if (owners.size === 0) return;
  for (const name of owners.get(nameOf(channel)) ?? []) wakeOwner(state, name, emit);
}

/**
 * Makes the channel, at each gateway that the registry names for it, if anything was heard of those that measure for its rules: a
 * primary that never spoke must not keep what its backup shows from being judged.
 */
export function wakeOwner(state: EngineState, name: string, emit: Emit): void {
  const { history, channelsByName } = state;
  const names = [name, ...(history.feedIndex.feedsOf.get(name) ?? [])];
  const heard = channelsNamed(state, names).filter(isHeard);
  if (heard.length === 0) return;
  const [device, metric] = name.split(' ') as [DeviceId, MetricName];
  const atGateways = new Set((channelsByName.get(name) ?? []).map(({ gateway }) => gateway.id));
  for (const { value } of versionsOf(history, 'device', device)) {
    if (value === null || atGateways.has(value.gateway)) continue;
    if (profileOf(value, value.gateway, metric) === undefined) continue;
    atGateways.add(value.gateway);
    addSilent(state, value.gateway, device, metric, heard, emit);
  }
}

function addSilent(
  state: EngineState,
  gatewayId: GatewayId,
  device: DeviceId,
  metric: MetricName,
  heard: readonly Channel[],
  emit: Emit,
): void {
  const gateway = gatewayOf(state, gatewayId);
  const { channelsMax, gatewayChannelsMax } = state.settings;
  const isFull = state.channels.length >= channelsMax;
  if (isFull || gateway.channelCount >= gatewayChannelsMax) {
    const reason = isFull ? 'channels-max' : 'gateway-channels-max';
    const dayMs = dayOf(Math.max(...heard.map(({ lastReceivedAtMs }) => lastReceivedAtMs)));
    emitOnce(gateway, 'DATA_GAP', dayMs, { reason, device }, emit);
    return;
  }
  const made = addChannel(state, gateway, device, metric);
  made.firstMinute = Math.min(...heard.map(({ firstMinute }) => firstMinute));
  made.closedThrough = made.firstMinute - 1;
  made.droppedBefore = Math.min(...heard.map(({ droppedBefore }) => droppedBefore));
  made.needsRescan = true;
}

/**
 * Minutes of a channel, first and last, closed or changed: makes the rules of others that read them, and says so where they
 * are out of memory already.
 */
export function reachOwners(
  state: EngineState,
  channel: Channel,
  first: number,
  last: number,
  emit: Emit,
): void {
  for (const owner of ownersOf(state, channel)) {
    if (first < owner.firstMinute) startEarlier(state, owner, first);
    ensureRules(state, owner, first, last);
    if (first >= owner.droppedBefore) continue;
    const { device, metric, gateway } = channel;
    const detail = { reason: 'beyond-horizon', device, metric };
    emitOnce(gateway, 'DATA_GAP', dayOf(first * MINUTE_MS), detail, emit);
  }
}

/** Rules of others that read a channel's minutes go on with it while their own channel is silent. */
export function followFed(
  state: EngineState,
  channel: Channel,
  first: number,
  newest: number,
  emit: Emit,
): void {
  if (state.history.feedIndex.ownersOf.size === 0) return;
  reachOwners(state, channel, first, newest, emit);
  for (const rule of rulesFedBy(state, channel)) {
    if (rule.endMs <= first * MINUTE_MS || rule.startMs > newest * MINUTE_MS) continue;
    rule.lastDatumAtMs = Math.max(rule.lastDatumAtMs, channel.lastReceivedAtMs);
    if (rule.isClosed || !isLookedAt(rule.live.plan)) continue;
    if (rule.channel.closedThrough + LAG_MINUTES < newest) {
      followComposite(state, rule, newest, emit);
    }
  }
}
