import { MINUTE_MS } from '../../model/time.ts';
import type { Emit, EngineState, GatewayState } from '../engine-state.ts';
import { valueAt } from '../registry-history.ts';
import { emitOnce } from '../signals.ts';
import { clockDrift } from './clock-drift.ts';
import { recordOf, SLOT } from './monitor-memory.ts';
import { silence } from './silence.ts';
import { extendSpan } from './suspect-spans.ts';
import { tell } from './tell.ts';
import { watchUnheard } from './watch-unheard.ts';

/** Ticks come once a minute: after a longer pause the hub itself was away, and heard nobody. */
const AWAY_MS = 5 * MINUTE_MS;

/** Hub time has come to `nowMs`: who is silent, whose clock runs away. */
export function watchTick(state: EngineState, nowMs: number, emit: Emit): void {
  const { monitor } = state;
  const { memory } = monitor;
  if (nowMs - monitor.tickMs > AWAY_MS) monitor.wokeAtMs = nowMs;
  monitor.tickMs = nowMs;
  const seen = { nowMs, lastReceivedAtMs: 0, watermarkMs: 0 };
  for (const channel of state.channels) {
    if (channel.watermarkMs === 0) continue;
    seen.lastReceivedAtMs = Math.max(channel.lastReceivedAtMs, monitor.wokeAtMs);
    seen.watermarkMs = channel.watermarkMs;
    const at = recordOf(memory, channel.cells.index) + SLOT.silence;
    const found = silence.see(seen, memory.numbers, at, state.settings.detectors);
    // A device that is registered no more, or at another gateway, may be silent.
    const device = found && valueAt(state.history, 'device', channel.device, nowMs);
    if (found === undefined || device?.gateway !== channel.gateway.id) continue;
    tell(state, channel, silence.kind, found, emit);
  }
  watchUnheard(state, nowMs, emit);
  for (const gateway of state.gateways.values()) watchClock(state, gateway, nowMs, emit);
}

function watchClock(state: EngineState, gateway: GatewayState, nowMs: number, emit: Emit): void {
  const { watch } = gateway;
  const { offsetMs, errMs, clockMemory } = watch;
  const lastAskedMs = clockMemory[0]!;
  const seen = { nowMs, offsetMs, errMs };
  const found = clockDrift.see(seen, clockMemory, 0, state.settings.detectors);
  if (clockMemory[0] === lastAskedMs) return;
  watch.offsetMs = Number.NaN;
  if (found !== undefined) emitOnce(gateway, clockDrift.kind, found.fromMs, found.detail, emit);
  if (clockMemory[2] === 1) extendSpan(watch.spans, 'clock-drift', lastAskedMs, nowMs);
}
