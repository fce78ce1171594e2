import type { JournalEntry } from '../../model/entry.ts';
import { type JournalHead, waitIn } from './journal-head.ts';

interface Chunk {
  readonly posFrom: number;
  readonly entries: readonly JournalEntry[];
  readonly rawBytes: number;
}

/** A reader in the writer's process. */
export interface Seat {
  /** It has had every entry before `pos`. */
  moveTo(pos: number): void;
  leave(): void;
}

/** The latest entries of the journal in memory, for readers in the writer's process. */
export interface Ring extends JournalHead {
  /** Entries just committed, in order of position and without a hole to what came before. */
  push(entries: readonly JournalEntry[], rawBytes: number): void;
  /** A reader that has had every entry before `pos`: what all readers have had is let go, but for a tail. */
  join(pos: number): Seat;
  /** Entries from `pos` on, at most `entriesMax`; null: no longer here; empty: not yet there. */
  from(pos: number, entriesMax: number): readonly JournalEntry[] | null;
}

/** Stay for a reader that begins at the end, as an evaluator that is started again does. */
const TAIL_ENTRIES = 1_024;

/**
 * Keeps at most `entriesMax` entries and `bytesMax` raw bytes, and the last commit whatever its size. Entries
 * that stay longer than a reader needs them grow old, and old ones cost the collector most.
 */
export function createRing(
  headPosAtStart: number,
  { entriesMax, bytesMax }: { entriesMax: number; bytesMax: number },
): Ring {
  const chunks: Chunk[] = [];
  const waiting = new Set<() => void>();
  const readers = new Set<{ pos: number }>();
  let headPos = headPosAtStart;
  let entriesKept = 0;
  let bytesKept = 0;

  function drop(): void {
    const chunk = chunks.shift();
    if (chunk === undefined) return;
    entriesKept -= chunk.entries.length;
    bytesKept -= chunk.rawBytes;
  }

  function letGo(): void {
    let neededPos = Number.POSITIVE_INFINITY;
    for (const { pos } of readers) neededPos = Math.min(neededPos, pos);
    if (neededPos === Number.POSITIVE_INFINITY) return;
    for (let first = chunks[0]; first !== undefined; first = chunks[0]) {
      if (first.posFrom + first.entries.length > neededPos) return;
      if (entriesKept - first.entries.length < TAIL_ENTRIES) return;
      drop();
    }
  }

  return {
    headPos: () => headPos,
    join(pos) {
      const reader = { pos };
      readers.add(reader);
      return {
        moveTo(to) {
          reader.pos = to;
          letGo();
        },
        leave() {
          readers.delete(reader);
          letGo();
        },
      };
    },
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
