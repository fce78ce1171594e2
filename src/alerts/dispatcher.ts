import type { PostgresPoolConfig } from 'bullmq';
import { type Kysely, sql } from 'kysely';
import type { Database } from '../database/schema.ts';
import type { Logger } from '../process/log.ts';
import { PUSH_QUEUE, type PushJob, PushQueue } from './push-queue.ts';

/** Jobs in the queue at once; further rows follow when these are done. */
const QUEUED_MAX = 500;

/** Nobody reads the queue's own events: what happened stands in the clue's. */
const EVENTS_KEPT = 100;

export interface Dispatcher {
  /** Looks at the outbox now; calls while it looks are one further look. */
  wake(): void;
  /** The job of a row has left the queue: the row may be added again when it is due again. */
  done(idempotencyKey: string | undefined): void;
  close(): Promise<void>;
}

export interface DispatcherDeps {
  readonly db: Kysely<Database>;
  readonly connection: PostgresPoolConfig;
  readonly redriveMs: number;
  readonly log: Logger;
}

/**
 * Brings outbox rows that are due to the queue: when woken, when the next one is due, and every
 * `redriveMs` all of them again, so that a queue that lost its jobs gets them back. A row whose job
 * is there already is not added twice (the job's id is the row's key).
 */
export async function startDispatcher(deps: DispatcherDeps): Promise<Dispatcher> {
  const { db, redriveMs, log } = deps;
  const queue = await openQueue(deps);
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
      log.warn({ error: (error as Error).message }, 'cannot bring outbox rows to the queue');
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
      await looking;
      await queue.close();
    },
  };
}

type OpenQueue = InstanceType<typeof PushQueue<PushJob>>;

async function openQueue({ connection, log }: DispatcherDeps): Promise<OpenQueue> {
  const queue = new PushQueue<PushJob>(PUSH_QUEUE, {
    connection,
    streams: { events: { maxLen: EVENTS_KEPT } },
    defaultJobOptions: { removeOnComplete: true, removeOnFail: true },
  });
  queue.on('error', (error) => log.warn({ error: error.message }, 'push queue'));
  await queue.waitUntilReady();
  return queue;
}

/**
 * Adds what is due and not queued; gives the ms until the next row is, or infinity. One query and
 * one time for both questions: with two, a row that comes due between them is in neither answer.
 */
async function addDue(
  db: Kysely<Database>,
  queue: OpenQueue,
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
    await queue.addBulk(
      due.map(({ idempotencyKey }) => ({
        name: 'push',
        data: { idempotencyKey },
        opts: { jobId: idempotencyKey },
      })),
    );
  }
  return Math.max(1, rows[due.length]?.waitMs ?? Number.POSITIVE_INFINITY);
}
