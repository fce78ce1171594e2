/** Where a journal entry stands: what `apply` is given of it. */
export interface EntryPlace {
  readonly shard: string;
  readonly pos: number;
  readonly receivedAtMs: number;
}

/**
 * Remembers when the next clue is due, so that an entry without outputs costs no query. What it
 * remembers may come from a transaction that rolled back; then the same position comes again, or a
 * later start begins elsewhere: any entry that doesn't follow the one before makes it look.
 */
export interface DueWatch {
  /** Called once for each entry, before anything else. */
  reach(at: EntryPlace): void;
  /** Whether a clue may be due at the entry's receive time. */
  isDue(at: EntryPlace): boolean;
  /** A clue waits until `dueAtMs`. */
  waits(at: EntryPlace, dueAtMs: number): void;
  /** The table was looked at; null: nothing waits. */
  looked(at: EntryPlace, nextDueMs: number | null): void;
}

export function createDueWatch(): DueWatch {
  const shards = new Map<string, { pos: number; nextDueMs: number }>();
  const nextDueOf = (shard: string): number =>
    shards.get(shard)?.nextDueMs ?? Number.NEGATIVE_INFINITY;
  return {
    reach({ shard, pos }) {
      const follows = shards.get(shard)?.pos === pos - 1;
      shards.set(shard, {
        pos,
        nextDueMs: follows ? nextDueOf(shard) : Number.NEGATIVE_INFINITY,
      });
    },
    isDue: ({ shard, receivedAtMs }) => receivedAtMs >= nextDueOf(shard),
    waits({ shard, pos }, dueAtMs) {
      shards.set(shard, { pos, nextDueMs: Math.min(nextDueOf(shard), dueAtMs) });
    },
    looked({ shard, pos }, nextDueMs) {
      shards.set(shard, { pos, nextDueMs: nextDueMs ?? Number.POSITIVE_INFINITY });
    },
  };
}
