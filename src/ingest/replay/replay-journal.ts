import type { JournalEntry } from '../../model/entry.ts';
import type { EngineOutput } from '../../model/exposure.ts';
import { ZERO_HASH } from '../../model/ids.ts';
import type { Engine } from '../engine-kit.ts';
import { readBlock, type StoredBlock } from '../journal/read-block.ts';
import type { JournalExtent } from '../journal/read-journal.ts';

/** Where what a replay gives goes; a slow sink holds the replay back. */
export interface ReplaySink {
  take(outputs: readonly EngineOutput[], entry: JournalEntry): void | Promise<void>;
  /** Nothing follows. */
  end(): void | Promise<void>;
}

/** A fresh engine, and what it gives to whom. */
export interface ReplayFold {
  readonly engine: Engine;
  readonly sinks: readonly ReplaySink[];
  /** Entries that the engine is given; absent: all. */
  readonly takes?: (entry: JournalEntry) => boolean;
}

export interface ReplayOptions {
  readonly extent: JournalExtent;
  readonly blocks: AsyncIterable<StoredBlock>;
  /** Each goes over the same entries, by itself. */
  readonly folds: readonly ReplayFold[];
  readonly signal: AbortSignal;
  /** After each block: last position replayed. */
  readonly onProgress: (pos: number) => void;
}

/**
 * Feeds a journal through fresh engines, from its first entry on: what came before the shifts asked for
 * belongs to their results (facts, the roster's cycle, late data). Changes nothing that is stored.
 * Gives the number of entries; ends early when the signal aborts.
 */
export async function replayJournal(options: ReplayOptions): Promise<number> {
  const { extent, blocks, folds, signal, onProgress } = options;
  let entries = 0;
  const give = async (entry: JournalEntry): Promise<void> => {
    for (const { engine, sinks, takes } of folds) {
      if (takes?.(entry) === false) continue;
      const outputs = engine.step(entry);
      if (outputs.length === 0) continue;
      for (const sink of sinks) await sink.take(outputs, entry);
    }
    entries++;
  };
  for (const { pos, fact } of extent.facts) {
    await give({ kind: 'fact', pos, receivedAtMs: 0, sha256: ZERO_HASH, fact });
  }
  for await (const block of blocks) {
    if (signal.aborted) break;
    const read = readBlock(block);
    for (const entry of read) if (entry.pos <= extent.toPos) await give(entry);
    onProgress(Math.min(read.at(-1)?.pos ?? 0, extent.toPos));
  }
  for (const { sinks } of folds) for (const sink of sinks) await sink.end();
  return entries;
}
