import type pg from 'pg';
import { listenTo } from '../../database/listen.ts';
import type { Logger } from '../../process/log.ts';
import type { Ring } from './ring.ts';

/** Where a shard's journal ends, for who follows it: the ring, or the database from elsewhere. */
export interface JournalHead {
  /** Last committed position, as far as it is known here. */
  headPos(): number;
  /** Ends when `pos` is committed or the signal aborts. */
  waitFor(pos: number, signal: AbortSignal): Promise<void>;
}

/** Where the journal is read: with the ring in the writer's process, by its head elsewhere. */
export interface JournalPlace {
  readonly head: JournalHead;
  readonly ring?: Ring;
}

export interface WatchedHead extends JournalHead {
  close(): Promise<void>;
}

/** Told by each group commit of a journal: `{last position} {shard}`. */
export const JOURNAL_CHANNEL = 'wugan_journal';

/** What was not heard is found after this long at the latest. */
const POLL_MS = 500;
const RECONNECT_MS_MAX = 2_000;

/**
 * The head of a journal whose writer is in another process: commits wake it by NOTIFY, and it looks
 * itself every half second, so that a missed notification costs no more than that. The database away is
 * waited for.
 */
export function watchJournalHead(deps: {
  readonly pool: pg.Pool;
  readonly databaseUrl: string;
  readonly shard: string;
  readonly log: Logger;
  readonly pollMs?: number;
}): WatchedHead {
  const { pool, databaseUrl, shard, log, pollMs = POLL_MS } = deps;
  const waiting = new Set<() => void>();
  let headPos = 0;
  let looking: Promise<void> | undefined;

  function reach(pos: number): void {
    if (pos <= headPos) return;
    headPos = pos;
    for (const wake of [...waiting]) wake();
  }

  async function lookOnce(): Promise<void> {
    const { rows } = await pool.query<{ pos: number }>({
      name: 'journal-head',
      text: 'select pos from telemetry.shard where shard = $1',
      values: [shard],
    });
    reach(rows[0]?.pos ?? 0);
  }

  function look(): void {
    looking ??= lookOnce()
      .catch((error: Error) => log.debug({ error: error.message }, 'cannot look for the journal'))
      .finally(() => {
        looking = undefined;
      });
  }

  const listener = listenTo({
    ...{ databaseUrl, channel: JOURNAL_CHANNEL, reconnectMsMax: RECONNECT_MS_MAX, log },
    onListening: look,
    onNotified(payload) {
      const space = payload.indexOf(' ');
      if (payload.slice(space + 1) === shard) reach(Number(payload.slice(0, space)));
    },
  });
  const timer = setInterval(look, pollMs);
  look();
  return {
    headPos: () => headPos,
    waitFor: (pos, signal) => waitIn(waiting, () => headPos >= pos, signal),
    async close() {
      clearInterval(timer);
      await listener.close();
      await looking;
    },
  };
}

/** Waits in a set of those to be woken until it is reached or the signal aborts. */
export function waitIn(
  waiting: Set<() => void>,
  isReached: () => boolean,
  signal: AbortSignal,
): Promise<void> {
  return new Promise((resolve) => {
    const wake = (): void => {
      if (!isReached() && !signal.aborted) return;
      waiting.delete(wake);
      signal.removeEventListener('abort', wake);
      resolve();
    };
    waiting.add(wake);
    signal.addEventListener('abort', wake);
    wake();
  });
}
