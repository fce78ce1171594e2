import type { FactorId, GatewayId } from '../../model/ids.ts';
import type { EngineState } from '../engine-state.ts';
import { CHANNEL_SLOTS, createMonitorMemory, type MonitorMemory } from './monitor-memory.ts';
import type { SuspectSpan } from './suspect-spans.ts';
import type { UnheardSince } from './watch-unheard.ts';

/** All that the detectors know of channels; what they know of gateways stands with those. */
export interface Monitor {
  readonly memory: MonitorMemory;
  /** Time that a finding speaks against, by channel index. */
  readonly spans: Map<number, SuspectSpan[]>;
  /** Registered channels that nothing ever came of, by name. */
  readonly unheard: Map<string, UnheardSince>;
  /** Hub time of the last tick, and of the first after the hub was away; 0: none. */
  tickMs: number;
  wokeAtMs: number;
}

export const createMonitor = (): Monitor => ({
  memory: createMonitorMemory(),
  spans: new Map(),
  unheard: new Map(),
  tickMs: 0,
  wokeAtMs: 0,
});

interface SavedWatch {
  readonly gateway: GatewayId;
  readonly clock: readonly number[];
  readonly offsetMs: number | null;
  readonly errMs: number;
  readonly neighbours: readonly (readonly [
    FactorId,
    number,
    readonly (readonly [number, number])[],
  ])[];
  readonly spans: readonly SuspectSpan[];
}

interface Saved {
  readonly tickMs: number;
  readonly wokeAtMs: number;
  readonly unheard: readonly (readonly [string, number, readonly number[]])[];
  readonly spans: readonly (readonly [number, readonly SuspectSpan[]])[];
  readonly watches: readonly SavedWatch[];
}

/** What the detectors know, as bytes: length and text of a JSON object, then the channels' numbers. */
export function writeMonitor(state: EngineState): Uint8Array {
  const saved: Saved = {
    tickMs: state.monitor.tickMs,
    wokeAtMs: state.monitor.wokeAtMs,
    unheard: [...state.monitor.unheard].map(
      ([name, { sinceMs, memory }]) => [name, sinceMs, [...memory]] as const,
    ),
    spans: [...state.monitor.spans],
    watches: [...state.gateways.values()].map(({ id, watch }) => ({
      gateway: id,
      clock: [...watch.clockMemory],
      offsetMs: Number.isNaN(watch.offsetMs) ? null : watch.offsetMs,
      errMs: watch.errMs,
      neighbours: [...watch.neighbours].map(
        ([factor, { minute, byMean }]) => [factor, minute, [...byMean]] as const,
      ),
      spans: watch.spans,
    })),
  };
  const json = Buffer.from(JSON.stringify(saved));
  const head = Buffer.alloc(4);
  head.writeUInt32BE(json.byteLength);
  const { numbers } = state.monitor.memory;
  const used = Math.min(numbers.length, state.channels.length * CHANNEL_SLOTS);
  return Buffer.concat([head, json, new Uint8Array(numbers.buffer, 0, used * 8)]);
}

/** Puts back what `writeMonitor` wrote; gateways are there already. */
export function restoreMonitor(state: EngineState, bytes: Buffer): void {
  const start = 4 + bytes.readUInt32BE(0);
  const saved = JSON.parse(bytes.toString('utf8', 4, start)) as Saved;
  // A copy: the numbers must lie at a multiple of 8.
  const numbers = new Uint8Array(bytes.subarray(start));
  state.monitor.memory.numbers = new Float64Array(numbers.buffer);
  state.monitor.tickMs = saved.tickMs;
  state.monitor.wokeAtMs = saved.wokeAtMs;
  for (const [name, sinceMs, memory] of saved.unheard) {
    state.monitor.unheard.set(name, { sinceMs, memory: Float64Array.from(memory) });
  }
  for (const [index, spans] of saved.spans) state.monitor.spans.set(index, [...spans]);
  for (const { gateway, clock, offsetMs, errMs, neighbours, spans } of saved.watches) {
    const watch = state.gateways.get(gateway)?.watch;
    if (watch === undefined) continue;
    watch.clockMemory.set(clock);
    watch.offsetMs = offsetMs ?? Number.NaN;
    watch.errMs = errMs;
    watch.spans.push(...spans);
    for (const [factor, minute, byMean] of neighbours) {
      watch.neighbours.set(factor, { minute, byMean: new Map(byMean) });
    }
  }
}
