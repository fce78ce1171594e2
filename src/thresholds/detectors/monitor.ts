import type { FactorId } from '../../model/ids.ts';
import { createByteReader } from '../byte-writer.ts';
import { readLines } from '../checkpoint-bytes.ts';
import { columnBytes, readColumns } from '../columns.ts';
import type { EngineState } from '../engine-state.ts';
import { linePieces, type Piece, pagePieces } from '../snapshot.ts';
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

interface Saved {
  readonly tickMs: number;
  readonly wokeAtMs: number;
  readonly factors: readonly FactorId[];
}

type SavedLine =
  | readonly ['rare', group: number, numbers: readonly number[]]
  | readonly ['unheard', name: string, sinceMs: number, memory: readonly number[]]
  | readonly ['spans' | 'gatewaySpans', index: number, spans: SuspectSpan[]]
  | readonly [
      'group',
      first: number,
      minute: number,
      byMean: readonly (readonly [number, number])[],
    ];

/** What the detectors know: a JSON object, then the pages of numbers. */
export function* monitorPieces({ monitor }: EngineState): Generator<Piece> {
  const saved: Saved = {
    tickMs: monitor.tickMs,
    wokeAtMs: monitor.wokeAtMs,
    factors: [...monitor.factors.keys()],
  };
  yield* linePieces('monitor', [saved]);
  yield* linePieces('monitor-lines', savedLines(monitor));
  yield* pagePieces('monitor-channels', monitor.memory.pages, columnBytes);
  yield* pagePieces('monitor-clocks', monitor.clocks.pages, ({ buffer }) => [
    new Uint8Array(buffer),
  ]);
}

function* savedLines(monitor: Monitor): Generator<SavedLine> {
  for (const [group, numbers] of monitor.memory.rare) yield ['rare', group, [...numbers]];
  for (const [name, { sinceMs, memory }] of monitor.unheard) {
    yield ['unheard', name, sinceMs, [...memory]];
  }
  for (const [index, spans] of monitor.spans) yield ['spans', index, spans];
  for (const [index, spans] of monitor.gatewaySpans) yield ['gatewaySpans', index, spans];
  for (const [first, { minute, byMean }] of monitor.groups) {
    yield ['group', first, minute, [...byMean]];
  }
}

export function readMonitor({ monitor }: EngineState, bytes: Buffer): void {
  const saved = readLines<Saved>(bytes)[0]!;
  monitor.tickMs = saved.tickMs;
  monitor.wokeAtMs = saved.wokeAtMs;
  for (const [i, factor] of saved.factors.entries()) monitor.factors.set(factor, i + 1);
}

export function readMonitorLines({ monitor }: EngineState, bytes: Buffer): void {
  for (const line of readLines<SavedLine>(bytes)) {
    switch (line[0]) {
      case 'rare':
        monitor.memory.rare.set(line[1], Float64Array.from(line[2]));
        break;
      case 'unheard':
        monitor.unheard.set(line[1], { sinceMs: line[2], memory: Float64Array.from(line[3]) });
        break;
      case 'group':
        monitor.groups.set(line[1], { minute: line[2], byMean: new Map(line[3]) });
        break;
      default:
        monitor[line[0]].set(line[1], line[2]);
    }
  }
}

export function readMonitorChannels({ monitor }: EngineState, bytes: Buffer): void {
  const reader = createByteReader(bytes);
  while (!reader.isAtEnd) {
    const page = createMemoryPage();
    readColumns(reader, page);
    monitor.memory.pages.push(page);
  }
}

export function readMonitorClocks({ monitor }: EngineState, bytes: Buffer): void {
  const reader = createByteReader(bytes);
  while (!reader.isAtEnd) {
    const { buffer, byteLength } = addPage(monitor.clocks);
    new Uint8Array(buffer).set(reader.raw(byteLength));
  }
}
