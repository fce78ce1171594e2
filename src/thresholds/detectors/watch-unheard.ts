import type { DeviceId, GatewayId, MetricName } from '../../model/ids.ts';
import { type Emit, type EngineState, gatewayOf } from '../engine-state.ts';
import { isHeard } from '../feed-owners.ts';
import { valueAt } from '../registry-history.ts';
import { silence } from './silence.ts';
import { tell } from './tell.ts';

/** A registered channel that nothing ever came of. */
export interface UnheardSince {
  /** Hub time of the first tick at which it was known, UTC ms. */
  readonly sinceMs: number;
  readonly memory: Float64Array;
}

/**
 * A channel that is registered for a hazard and never spoke, at the gateway that it is registered for, is silent too: it is told
 * once.
 */
export function watchUnheard(state: EngineState, nowMs: number, emit: Emit): void {
  const { postsOfChannel, postsOfProduction, feedIndex, presenceNames } = state.history;
  for (const name of postsOfChannel.keys()) watchName(state, name, nowMs, emit);
  for (const names of [feedIndex.ownersOf.keys(), presenceNames, postsOfProduction.keys()]) {
    for (const name of names) {
      if (!postsOfChannel.has(name)) watchName(state, name, nowMs, emit);
    }
  }
}

function watchName(state: EngineState, name: string, nowMs: number, emit: Emit): void {
  const { unheard, wokeAtMs } = state.monitor;
  const [device, metric] = name.split(' ') as [DeviceId, MetricName];
  const gateway = valueAt(state.history, 'device', device, nowMs)?.gateway;
  if (gateway === undefined || hasSpoken(state, name, gateway)) {
    unheard.delete(name);
    return;
  }
  let known = unheard.get(name);
  if (known === undefined) {
    known = { sinceMs: nowMs, memory: new Float64Array(silence.slots) };
    unheard.set(name, known);
  }
  const { sinceMs, memory } = known;
  const heardMs = Math.max(sinceMs, wokeAtMs);
  const seen = { nowMs, lastReceivedAtMs: heardMs, watermarkMs: sinceMs };
  const found = silence.see(seen, memory, 0, state.settings.detectors);
  if (found === undefined) return;
  const detail = { ...found.detail, reason: 'never-heard' };
  const subject = { gateway: gatewayOf(state, gateway), device, metric };
  tell(state, subject, silence.kind, { ...found, detail }, emit);
}

const hasSpoken = (state: EngineState, name: string, at: GatewayId): boolean =>
  (state.channelsByName.get(name) ?? []).some(
    (channel) => isHeard(channel) && channel.gateway.id === at,
  );
