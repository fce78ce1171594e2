import { MINUTE_MS } from '../../model/time.ts';
import type { Emit, EngineState, GatewayState } from '../engine-state.ts';
import { valueAt } from '../registry-history.ts';
import { emitOnce } from '../signals.ts';
import { clockDrift } from './clock-drift.ts';
import { CLOCK_ERR, CLOCK_KNOWN, CLOCK_OFFSET } from './gateway-watch.ts';
import { closeRecord, openRecord, pageOf, recordOf, SLOT } from './monitor-memory.ts';
import { silence } from './silence.ts';
import { extendSpan, spansOf } from './suspect-spans.ts';
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
    const numbers = openRecord(memory, channel.index);
    const found = silence.see(seen, numbers, SLOT.silence, state.settings.detectors);
    if (found === undefined) continue;
    // Only what it found changed its numbers.
    closeRecord(memory, channel.index);
    // A device that is registered no more, or at another gateway, may be silent.
    const device = valueAt(state.history, 'device', channel.device, nowMs);
    if (device?.gateway !== channel.gateway.id) continue;
    tell(state, channel, silence.kind, found, emit);
  }
  watchUnheard(state, nowMs, emit);
  for (const gateway of state.gateways.values()) watchClock(state, gateway, nowMs, emit);
}

function watchClock(state: EngineState, gateway: GatewayState, nowMs: number, emit: Emit): void {
  const { clocks, gatewaySpans } = state.monitor;
  const numbers = pageOf(clocks, gateway.index);
  const at = recordOf(clocks, gateway.index);
  if (numbers[at + CLOCK_KNOWN] === 0) return;
  const lastAskedMs = numbers[at]!;
  const seen = { nowMs, offsetMs: numbers[at + CLOCK_OFFSET]!, errMs: numbers[at + CLOCK_ERR]! };
  const found = clockDrift.see(seen, numbers, at, state.settings.detectors);
  if (numbers[at] === lastAskedMs) return;
  numbers[at + CLOCK_KNOWN] = 0;
  if (found !== undefined) emitOnce(gateway, clockDrift.kind, found.fromMs, found.detail, emit);
  if (numbers[at + 2] !== 1) return;
  extendSpan(spansOf(gatewaySpans, gateway.index), 'clock-drift', lastAskedMs, nowMs);
}
