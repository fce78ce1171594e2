import type pg from 'pg';
import { sha256Hex } from '../model/digest.ts';
import type { Logger } from '../process/log.ts';

export interface DeadLetter {
  readonly receivedAtMs: number;
  /** Who sent it: the gateway's id. */
  readonly source: string;
  readonly topic: string;
  readonly reason: string;
  readonly detail: string;
  readonly raw: Uint8Array;
  /** Called once it is durable, or with false when ingest stops first. */
  readonly done: (kept: boolean) => void;
}

export interface DeadLetters {
  put(letter: DeadLetter): void;
  close(): Promise<void>;
}

const LETTERS_PER_INSERT = 256;
const RETRY_MS = 500;
const TEXT_CHARS_MAX = 500;

/** PostgreSQL's text takes no NUL, and UTF-8 no lone surrogate. */
export const asText = (text: string): string =>
  text.slice(0, TEXT_CHARS_MAX).toWellFormed().replaceAll('\0', '\u{fffd}');

/**
 * Keeps what can't be used, with its bytes and the reason, so that it can be looked at and replayed and
 * never blocks the rest. The same bytes on the same topic are kept once, however often they come. One insert in flight; a letter waits while the database is away.
 */
export function createDeadLetters(pool: pg.Pool, shard: string, log: Logger): DeadLetters {
  let queue: DeadLetter[] = [];
  let running: Promise<void> | undefined;
  let closing = false;

  async function drain(): Promise<void> {
    while (queue.length > 0) {
      const letters = queue.slice(0, LETTERS_PER_INSERT);
      const kept = await insert(letters);
      if (kept) queue = queue.slice(letters.length);
      else if (closing) return;
      else await new Promise((next) => setTimeout(next, RETRY_MS));
      if (kept) for (const letter of letters) letter.done(true);
    }
  }

  async function insert(letters: readonly DeadLetter[]): Promise<boolean> {
    try {
      await pool.query(
        `insert into telemetry.dead_letter
           (shard, received_at, source, topic, reason, detail, sha256, raw)
         select $1, to_timestamp(l.at / 1000), l.source, l.topic, l.reason, l.detail, l.sha256, l.raw
         from unnest($2::double precision[], $3::text[], $4::text[], $5::text[], $6::text[],
                     $7::text[], $8::bytea[])
           as l (at, source, topic, reason, detail, sha256, raw)
         on conflict (shard, topic, sha256) do nothing`,
        [
          shard,
          letters.map((letter) => letter.receivedAtMs),
          letters.map((letter) => asText(letter.source)),
          letters.map((letter) => asText(letter.topic)),
          letters.map((letter) => letter.reason),
          letters.map((letter) => asText(letter.detail)),
          letters.map((letter) => sha256Hex(letter.raw)),
          letters.map((letter) => Buffer.from(letter.raw)),
        ],
      );
      return true;
    } catch (error) {
      log.warn({ error: (error as Error).message }, 'cannot keep dead letters, trying again');
      return false;
    }
  }

  return {
    put(letter) {
      if (closing) {
        letter.done(false);
        return;
      }
      queue.push(letter);
      running ??= drain().finally(() => {
        running = undefined;
      });
    },
    async close() {
      closing = true;
      await running;
      for (const letter of queue) letter.done(false);
      queue = [];
    },
  };
}
