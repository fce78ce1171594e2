import type { GatewayId } from '../model/ids.ts';
import type { EngineState, GatewayState, RuleState } from './engine-state.ts';
import { channelName, type RegistryHistory, valueAt } from './registry-history.ts';
import { type TimeSpan, touchesSpan } from './time-spans.ts';

/**
 * What stands against pushing what a gateway's data of some time show, by event time:
 * `chain-broken`: its chain doesn't hold, or a seal denies it ·
 * `unchained`: batches without epoch, seq and prev, or beside the chain, though the gateway has a key ·
 * `clock-unknown`: batches that don't say how right the gateway's clock is, though it has a key.
 */
export type GatewayFinding = 'chain-broken' | 'unchained' | 'clock-unknown';
export type GatewayFindings = Record<GatewayFinding, TimeSpan[]>;

/** The gateway's, made when there are none yet. */
export function findingsOf(gateway: GatewayState): GatewayFindings {
  gateway.findings ??= { 'chain-broken': [], unchained: [], 'clock-unknown': [] };
  return gateway.findings;
}

/** Whether the registry, as known, had a public key of the gateway at a time. */
export const hasKey = (history: RegistryHistory, id: GatewayId, atMs: number): boolean =>
  (valueAt(history, 'gateway', id, atMs)?.publicKey ?? null) !== null;

/** Findings against the time of a shift, of every gateway that its channels come from. */
export function findingsAgainst(state: EngineState, rule: RuleState): readonly GatewayFinding[] {
  const { tableStartMs: fromMs, endMs } = rule;
  const found = new Set<GatewayFinding>();
  for (const { id, findings } of gatewaysOf(state, rule)) {
    if (findings === null) continue;
    const isKeyed = hasKey(state.history, id, fromMs) || hasKey(state.history, id, endMs);
    for (const finding of Object.keys(findings) as GatewayFinding[]) {
      if (finding !== 'chain-broken' && !isKeyed) continue;
      if (touchesSpan(findings[finding], fromMs, endMs)) found.add(finding);
    }
  }
  return [...found];
}

function gatewaysOf(state: EngineState, rule: RuleState): ReadonlySet<GatewayState> {
  const { first, feeds } = rule.live.plan;
  // What merely stands in proves nothing: its gateway's faults don't shield what does.
  const read = feeds.filter(({ role }) => role !== 'fallback').map(({ channel }) => channel);
  const refs = first?.role === 'fallback' ? read : [rule.channel, ...read];
  const channels = refs.flatMap(
    ({ device, metric }) => state.channelsByName.get(channelName(device, metric)) ?? [],
  );
  return new Set(channels.map(({ gateway }) => gateway));
}
