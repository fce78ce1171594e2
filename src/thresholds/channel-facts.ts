import type { Device, MetricProfile } from '../model/facts.ts';
import type { GatewayId } from '../model/ids.ts';
import { MINUTE_MS } from '../model/time.ts';
import type { Channel } from './engine-state.ts';
import { marksOf, type RegistryHistory, valueAt, versionsOf } from './registry-history.ts';
import type { BarReason } from './rule-inputs.ts';
import type { GatewayChannel } from './rule-schedule.ts';

/** What the registry says of a channel in one minute. */
export interface ChannelFacts {
  /** Undefined: the device isn't known, is another gateway's, or doesn't have the metric. */
  readonly profile: MetricProfile | undefined;
  /** Why nothing in the minute is proof; undefined: all may be. */
  readonly barred: BarReason | undefined;
}

/** Facts that are the same for all minutes that start in `[fromMs, untilMs)`. */
export interface FactsSpan {
  readonly facts: ChannelFacts;
  readonly fromMs: number;
  readonly untilMs: number;
}

/** `channelFactsAt`, which the channel remembers: the same object for all minutes of a span. */
export function channelFacts(
  history: RegistryHistory,
  channel: Channel,
  minuteMs: number,
): ChannelFacts {
  const { own, slot } = channel;
  const minute = minuteMs / MINUTE_MS;
  const isFresh = own.factsChanges[slot] === history.changes;
  if (isFresh && own.factsFrom[slot]! <= minute && minute < own.factsUntil[slot]!) {
    return own.facts[slot]!;
  }
  const { facts, fromMs, untilMs } = channelFactsSpan(history, channel, minuteMs);
  own.facts[slot] = facts;
  own.factsFrom[slot] = Math.ceil(Math.max(fromMs / MINUTE_MS, MINUTE_LEAST));
  own.factsUntil[slot] = Math.ceil(Math.min(untilMs / MINUTE_MS, MINUTE_MOST));
  own.factsChanges[slot] = history.changes;
  return facts;
}

const MINUTE_LEAST = -(2 ** 31);
const MINUTE_MOST = 2 ** 31 - 1;

/** Starts of minutes at which the facts of a channel may change. */
function changesOf(history: RegistryHistory, channel: GatewayChannel, minuteMs: number): number[] {
  const changes = versionsOf(history, 'device', channel.device).map((v) => v.validFromMs);
  const certificate = valueAt(history, 'device', channel.device, minuteMs)?.certificate;
  // What ends or begins inside a minute holds against the whole minute.
  const touches = (atMs: number): number => atMs - MINUTE_MS + 1;
  if (certificate) changes.push(certificate.fromMs, touches(certificate.untilMs));
  for (const { fromMs, toMs } of marksOf(history, channel.device)) {
    changes.push(touches(fromMs), toMs);
  }
  return changes;
}

/** The span that a minute lies in. */
export function channelFactsSpan(
  history: RegistryHistory,
  { gateway, device, metric }: Channel,
  minuteMs: number,
): FactsSpan {
  const channel = { gateway: gateway.id, device, metric };
  let fromMs = Number.NEGATIVE_INFINITY;
  let untilMs = Number.POSITIVE_INFINITY;
  for (const atMs of changesOf(history, channel, minuteMs)) {
    if (atMs <= minuteMs) fromMs = Math.max(fromMs, atMs);
    else untilMs = Math.min(untilMs, atMs);
  }
  return { facts: channelFactsAt(history, channel, minuteMs), fromMs, untilMs };
}

/** Facts valid at a minute's start; a certificate must hold to its end, a mark may not touch it. */
export function channelFactsAt(
  history: RegistryHistory,
  channel: GatewayChannel,
  minuteMs: number,
): ChannelFacts {
  const device = valueAt(history, 'device', channel.device, minuteMs);
  const profile = profileOf(device, channel.gateway, channel.metric);
  if (device === undefined || profile === undefined) return NOT_REGISTERED;
  const { certificate } = device;
  const endMs = minuteMs + MINUTE_MS;
  if (certificate === null || certificate.fromMs > minuteMs || certificate.untilMs < endMs) {
    return factsOf(profile, 'certificate');
  }
  for (const { fromMs, toMs } of marksOf(history, channel.device)) {
    if (fromMs < endMs && toMs > minuteMs) return factsOf(profile, 'mark');
  }
  return factsOf(profile, undefined);
}

const NOT_REGISTERED: ChannelFacts = { profile: undefined, barred: 'profile' };

const factsOfProfile = new WeakMap<MetricProfile, Map<BarReason | undefined, ChannelFacts>>();

/** The same object for all channels of a profile: what follows from it is worked out once. */
function factsOf(profile: MetricProfile, barred: BarReason | undefined): ChannelFacts {
  let byReason = factsOfProfile.get(profile);
  if (byReason === undefined) {
    byReason = new Map();
    factsOfProfile.set(profile, byReason);
  }
  let facts = byReason.get(barred);
  if (facts === undefined) {
    facts = { profile, barred };
    byReason.set(barred, facts);
  }
  return facts;
}

/** The metric of a device; undefined when the gateway isn't the one registered for the device. */
export const profileOf = (
  device: Device | undefined,
  gateway: GatewayId,
  metric: string,
): MetricProfile | undefined =>
  device?.gateway === gateway
    ? device.metrics.find((candidate) => candidate.metric === metric)
    : undefined;
