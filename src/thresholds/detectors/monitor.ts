import type { FactorId } from '../../model/ids.ts';
import { createByteReader, createByteWriter } from '../byte-writer.ts';
import { readColumns, writeColumns } from '../columns.ts';
import type { EngineState } from '../engine-state.ts';
import { CLOCK_SLOTS } from './gateway-watch.ts';
import {
  addPage,
  type ChannelMemory,
  createChannelMemory,
  createMemoryPage,
  createPagedNumbers,
  type PagedNumbers,
} from './monitor-memory.ts';
import type { SpansByIndex, SuspectSpan } from './suspect-spans.ts';
import type { NeighbourMinute } from './watch-neighbours.ts';
import type { UnheardSince } from './watch-unheard.ts';

/** All that the detectors know. */
export interface Monitor {
  /** Of channels, by index. */
  readonly memory: ChannelMemory;
  /** Of gateways' clocks, by index. */
  readonly clocks: PagedNumbers;
  /** Time that a finding speaks against, by channel and by gateway. */
  readonly spans: SpansByIndex;
  readonly gatewaySpans: SpansByIndex;
  /** Channels of one factor at one gateway, by the first of them, where there are several. */
  readonly groups: Map<number, NeighbourMinute>;
  readonly factors: Map<FactorId, number>;
  /** Registered channels that nothing ever came of, by name. */
  readonly unheard: Map<string, UnheardSince>;
  /** Hub time of the last tick, and of the first after the hub was away; 0: none. */
  tickMs: number;
  wokeAtMs: number;
}

export const createMonitor = (): Monitor => ({
  memory: createChannelMemory(),
  clocks: createPagedNumbers(CLOCK_SLOTS),
  spans: new Map(),
  gatewaySpans: new Map(),
  groups: new Map(),
  factors: new Map(),
  unheard: new Map(),
  tickMs: 0,
  wokeAtMs: 0,
});

type SavedSpans = readonly (readonly [number, SuspectSpan[]])[];

interface Saved {
  readonly tickMs: number;
  readonly wokeAtMs: number;
  readonly unheard: readonly (readonly [string, number, readonly number[]])[];
  readonly spans: SavedSpans;
  readonly gatewaySpans: SavedSpans;
  readonly groups: readonly (readonly [number, number, readonly (readonly [number, number])[]])[];
  readonly factors: readonly FactorId[];
  readonly rare: readonly (readonly [number, readonly number[]])[];
}

/** What the detectors know, as bytes: length and text of a JSON object, then the pages of numbers. */
export function writeMonitor({ monitor }: EngineState): Uint8Array {
  const saved: Saved = {
    tickMs: monitor.tickMs,
    wokeAtMs: monitor.wokeAtMs,
    unheard: [...monitor.unheard].map(
      ([name, { sinceMs, memory }]) => [name, sinceMs, [...memory]] as const,
    ),
    spans: [...monitor.spans],
    gatewaySpans: [...monitor.gatewaySpans],
    groups: [...monitor.groups].map(
      ([first, { minute, byMean }]) => [first, minute, [...byMean]] as const,
    ),
    factors: [...monitor.factors.keys()],
    rare: [...monitor.memory.rare].map(([group, numbers]) => [group, [...numbers]] as const),
  };
  const json = Buffer.from(JSON.stringify(saved));
  const writer = createByteWriter();
  writer.u32(json.byteLength);
  writer.raw(json);
  writer.u32(monitor.memory.pages.length);
  for (const page of monitor.memory.pages) writeColumns(writer, page);
  writer.u32(monitor.clocks.pages.length);
  for (const { buffer } of monitor.clocks.pages) writer.raw(new Uint8Array(buffer));
  return writer.bytes();
}

/** Puts back what `writeMonitor` wrote. */
export function restoreMonitor({ monitor }: EngineState, bytes: Buffer): void {
  const reader = createByteReader(bytes);
  const json = Buffer.from(reader.raw(reader.u32()));
  const saved = JSON.parse(json.toString('utf8')) as Saved;
  monitor.tickMs = saved.tickMs;
  monitor.wokeAtMs = saved.wokeAtMs;
  for (const [name, sinceMs, memory] of saved.unheard) {
    monitor.unheard.set(name, { sinceMs, memory: Float64Array.from(memory) });
  }
  for (const [index, spans] of saved.spans) monitor.spans.set(index, spans);
  for (const [index, spans] of saved.gatewaySpans) monitor.gatewaySpans.set(index, spans);
  for (const [first, minute, byMean] of saved.groups) {
    monitor.groups.set(first, { minute, byMean: new Map(byMean) });
  }
  for (const [i, factor] of saved.factors.entries()) monitor.factors.set(factor, i + 1);
  for (const [group, numbers] of saved.rare) {
    monitor.memory.rare.set(group, Float64Array.from(numbers));
  }
  for (let left = reader.u32(); left > 0; left--) {
    const page = createMemoryPage();
    readColumns(reader, page);
    monitor.memory.pages.push(page);
  }
  for (let left = reader.u32(); left > 0; left--) {
    const { buffer, byteLength } = addPage(monitor.clocks);
    new Uint8Array(buffer).set(reader.raw(byteLength));
  }
}
