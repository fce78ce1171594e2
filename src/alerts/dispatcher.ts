import { type Kysely, sql } from 'kysely';
import type { Database } from '../database/schema.ts';
import type { Logger } from '../process/log.ts';
import type { PushQueue, QueueStore } from './push-queue.ts';

/** Jobs in the queue at once; further rows follow when these are done. */
const QUEUED_MAX = 500;

export interface Dispatcher {
  /** Looks at the outbox now; calls while it looks are one further look. */
  wake(): void;
  /** The job of a row has left the queue: the row may be added again when it is due again. */
  done(idempotencyKey: string | undefined): void;
  close(): Promise<void>;
}

export interface DispatcherDeps {
  readonly db: Kysely<Database>;
  readonly store: QueueStore;
  readonly redriveMs: number;
  /** Rows that are due could not be brought to the queue; they are tried again. */
  readonly onFailure: () => void;
  readonly log: Logger;
}

/**
 * Brings outbox rows that are due to the queue: when woken, when the next one is due, and every
 * `redriveMs` all of them again, so that a queue that lost its jobs gets them back. A row whose job
 * is there already is not added twice (the job's id is the row's key).
 */
export async function startDispatcher(deps: DispatcherDeps): Promise<Dispatcher> {
  const { db, redriveMs, log, onFailure } = deps;
  const queue = await deps.store.openQueue(log);
  const queued = new Set<string>();
  let timer: NodeJS.Timeout | undefined;
  let looking: Promise<void> | undefined;
  let again = false;
  let closed = false;

  async function look(): Promise<void> {
    let waitMs = redriveMs;
    try {
      waitMs = Math.min(redriveMs, await addDue(db, queue, queued));
    } catch (error) {
      queued.clear();
      if (!closed) {
        onFailure();
        log.warn({ error: (error as Error).message }, 'cannot bring outbox rows to the queue');
      }
    }
    if (!closed) timer = setTimeout(wake, waitMs);
  }

  function wake(): void {
    if (closed) return;
    if (looking !== undefined) {
      again = true;
      return;
    }
    clearTimeout(timer);
    looking = look().finally(() => {
      looking = undefined;
      if (again) {
        again = false;
        wake();
      }
    });
  }

  const redrive = setInterval(() => {
    queued.clear();
    wake();
  }, redriveMs);
  wake();
  return {
    wake,
    done(idempotencyKey) {
      if (idempotencyKey !== undefined) queued.delete(idempotencyKey);
      wake();
    },
    async close() {
      closed = true;
      clearInterval(redrive);
      clearTimeout(timer);
      await Promise.all([queue.close(), looking]);
    },
  };
}

/**
 * Adds what is due and not queued; gives the ms until the next row is, or infinity. One query and
 * one time for both questions: with two, a row that comes due between them is in neither answer.
 */
async function addDue(
  db: Kysely<Database>,
  queue: PushQueue,
  queued: Set<string>,
): Promise<number> {
  const room = QUEUED_MAX - queued.size;
  if (room <= 0) return Number.POSITIVE_INFINITY;
  const { rows } = await sql<{ idempotencyKey: string; waitMs: number }>`
    select idempotency_key as "idempotencyKey",
      extract(epoch from next_attempt_at - statement_timestamp())::float8 * 1000 as "waitMs"
    from enforcement.outbox
    where state = 'pending' and not (idempotency_key = any(${[...queued]}::text[]))
    order by next_attempt_at, idempotency_key limit ${room}`.execute(db);
  const due = rows.filter(({ waitMs }) => waitMs <= 0);
  if (due.length > 0) {
    // Before they are added: a job may be done before its adding is answered.
    for (const { idempotencyKey } of due) queued.add(idempotencyKey);
    await queue.add(due.map(({ idempotencyKey }) => idempotencyKey));
  }
  return Math.max(1, rows[due.length]?.waitMs ?? Number.POSITIVE_INFINITY);
}
