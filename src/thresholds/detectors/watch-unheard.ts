import type { DeviceId, MetricName } from '../../model/ids.ts';
import { type Emit, type EngineState, gatewayOf } from '../engine-state.ts';
import { valueAt } from '../registry-history.ts';
import { silence } from './silence.ts';
import { tell } from './tell.ts';

/** A registered channel that nothing ever came of. */
export interface UnheardSince {
  /** Hub time of the first tick at which it was known, UTC ms. */
  readonly sinceMs: number;
  readonly memory: Float64Array;
}

/** A hazard's channel that is registered and never spoke is silent too: it is told once. */
export function watchUnheard(state: EngineState, nowMs: number, emit: Emit): void {
  const { unheard, wokeAtMs } = state.monitor;
  for (const name of state.history.postsOfChannel.keys()) {
    if (state.channelsByName.has(name)) {
      unheard.delete(name);
      continue;
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
    if (found !== undefined) tellUnheard(state, name, found, nowMs, emit);
  }
}

function tellUnheard(
  state: EngineState,
  name: string,
  found: NonNullable<ReturnType<typeof silence.see>>,
  nowMs: number,
  emit: Emit,
): void {
  const [device, metric] = name.split(' ') as [DeviceId, MetricName];
  const gatewayId = valueAt(state.history, 'device', device, nowMs)?.gateway;
  if (gatewayId === undefined) return;
  const subject = { gateway: gatewayOf(state, gatewayId), device, metric };
  const detail = { ...found.detail, reason: 'never-heard' };
  tell(state, subject, silence.kind, { ...found, detail }, emit);
}
