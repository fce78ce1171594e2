import type { JournalEntry } from '../../model/entry.ts';
import { type JournalHead, waitIn } from './journal-head.ts';

interface Chunk {
  readonly posFrom: number;
  readonly entries: readonly JournalEntry[];
  readonly rawBytes: number;
}

/** The latest entries of the journal in memory, for readers in the writer's process. */
export interface Ring extends JournalHead {
  /** Entries just committed, in order of position and without a hole to what came before. */
  push(entries: readonly JournalEntry[], rawBytes: number): void;
  /** Entries from `pos` on, at most `entriesMax`; null: no longer here; empty: not yet there. */
  from(pos: number, entriesMax: number): readonly JournalEntry[] | null;
}

/** Keeps at most `entriesMax` entries and `bytesMax` raw bytes, and always the last commit. */
export function createRing(
  headPosAtStart: number,
  { entriesMax, bytesMax }: { entriesMax: number; bytesMax: number },
): Ring {
  const chunks: Chunk[] = [];
  const waiting = new Set<() => void>();
  let headPos = headPosAtStart;
  let entriesKept = 0;
  let bytesKept = 0;

  function drop(): void {
    const chunk = chunks.shift();
    if (chunk === undefined) return;
    entriesKept -= chunk.entries.length;
    bytesKept -= chunk.rawBytes;
  }

  return {
    headPos: () => headPos,
    push(entries, rawBytes) {
      const posFrom = headPos + 1;
      if (entries[0]?.pos !== posFrom) {
        throw new Error(`Cannot push entry ${entries[0]?.pos} behind ${headPos}`);
      }
      chunks.push({ posFrom, entries, rawBytes });
      headPos += entries.length;
      entriesKept += entries.length;
      bytesKept += rawBytes;
      while (chunks.length > 1 && (entriesKept > entriesMax || bytesKept > bytesMax)) drop();
      for (const wake of [...waiting]) wake();
    },
    from(pos, most) {
      if (pos > headPos) return [];
      const oldest = chunks[0];
      if (oldest === undefined || pos < oldest.posFrom) return null;
      const first = chunks.findLastIndex(({ posFrom }) => posFrom <= pos);
      const start = pos - (chunks[first] as Chunk).posFrom;
      let entries = (chunks[first] as Chunk).entries.slice(start, start + most);
      for (let i = first + 1; i < chunks.length && entries.length < most; i++) {
        entries = entries.concat((chunks[i] as Chunk).entries.slice(0, most - entries.length));
      }
      return entries;
    },
    waitFor: (pos, signal) => waitIn(waiting, () => headPos >= pos, signal),
  };
}
