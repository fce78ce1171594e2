import type pg from 'pg';
import type { JournalEntry } from '../../model/entry.ts';
import type { Logger } from '../../process/log.ts';
import type { JournalHead } from './journal-head.ts';
import { readBlock, type StoredBlock } from './read-block.ts';
import type { Ring, Seat } from './ring.ts';

export interface FollowOptions {
  readonly pool: pg.Pool;
  readonly shard: string;
  /** First position wanted. */
  readonly fromPos: number;
  /** The writer's ring when it is in this process. */
  readonly ring?: Ring;
  /** Says when there is more, where there is no ring; without both new blocks are looked for. */
  readonly head?: JournalHead;
  readonly signal: AbortSignal;
  /** Entries handed over at once. */
  readonly entriesMax: number;
  readonly log: Logger;
}

/** Most entries a block can hold: where to look for the block that contains a position. */
const BLOCK_ENTRIES_MAX = 8_192;
/** Blocks read at once: with 4 MiB of raw bytes each, what a reader that is behind holds. */
const BLOCKS_PER_READ = 4;
const POLL_MS = 200;
const RETRY_MS = 500;

/**
 * Follows a shard's journal: every entry from `fromPos` on, once, in order, as long as the reader
 * takes them; ends when the signal aborts. Reads the ring, and blocks of the database for what is no
 * longer in it. An unreachable database is waited for. Throws on a hole or a damaged block.
 */
export async function* followJournal(
  options: FollowOptions,
): AsyncGenerator<readonly JournalEntry[], void, void> {
  const seat = options.ring?.join(options.fromPos);
  try {
    yield* follow(options, seat);
  } finally {
    seat?.leave();
  }
}

async function* follow(
  options: FollowOptions,
  seat: Seat | undefined,
): AsyncGenerator<readonly JournalEntry[], void, void> {
  const { ring, signal, entriesMax } = options;
  const head = ring ?? options.head;
  let next = options.fromPos;
  while (!signal.aborted) {
    const kept = ring?.from(next, entriesMax) ?? null;
    if (kept !== null && kept.length > 0) {
      next += kept.length;
      yield kept;
      seat?.moveTo(next);
    } else if (head !== undefined && head.headPos() < next) {
      await head.waitFor(next, signal);
    } else {
      for (const block of await readFrom(options, next)) {
        const entries = readBlock(block).filter((entry) => entry.pos >= next);
        if (entries[0]?.pos !== next) {
          throw new Error(`The journal has a hole: expected ${next}, found ${entries[0]?.pos}`);
        }
        for (let i = 0; i < entries.length; i += entriesMax) {
          const part = entries.slice(i, i + entriesMax);
          next += part.length;
          yield part;
          seat?.moveTo(next);
          if (signal.aborted) return;
        }
      }
    }
  }
}

/** Blocks from the one that holds `pos` on; waits when there is none yet. Empty: aborted. */
async function readFrom(
  { pool, shard, ring, head = ring, signal, log }: FollowOptions,
  pos: number,
): Promise<readonly StoredBlock[]> {
  while (!signal.aborted) {
    let waitMs = POLL_MS;
    try {
      const { rows } = await pool.query<StoredBlock>({
        name: 'follow-journal',
        text: `select header, body from telemetry.block
          where shard = $1 and pos_from > $2::bigint - ${BLOCK_ENTRIES_MAX} and pos_from <= $2 + ${BLOCK_ENTRIES_MAX} and pos_to >= $2
          order by pos_from limit ${BLOCKS_PER_READ}`,
        values: [shard, pos],
      });
      if (rows.length > 0) return rows;
      if (head !== undefined && pos <= head.headPos()) {
        throw new MissingBlockError(`Entry ${pos} of the journal is not in the database`);
      }
    } catch (error) {
      if (error instanceof MissingBlockError) throw error;
      waitMs = RETRY_MS;
      log.warn({ error: (error as Error).message, pos }, 'cannot read the journal, trying again');
    }
    await new Promise((next) => setTimeout(next, waitMs));
  }
  return [];
}

class MissingBlockError extends Error {}
