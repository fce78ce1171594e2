import { createPostgresBackend, type PostgresPoolConfig, withBackend } from 'bullmq';
import {
  jobsOf,
  PUSH_QUEUE,
  type PushJob,
  QUEUE_OPTIONS,
  type QueueStore,
  WORKER_OPTIONS,
  watchWorker,
} from './push-queue.ts';

/** The queue's tables live in this schema. */
export const QUEUE_SCHEMA = 'queue';

/** Beside its listener. */
const WORKER_CONNECTIONS_MAX = 4;

/** BullMQ's classes on PostgreSQL. */
export const { Queue, Worker } = withBackend(createPostgresBackend);

/** The queue's own small pool; its tables are made at the first start. */
export const queueConnection = (
  databaseUrl: string,
  connectionsMax: number,
): PostgresPoolConfig => ({
  connectionString: databaseUrl,
  schema: QUEUE_SCHEMA,
  migrate: true,
  max: connectionsMax,
});

/** Jobs in the database itself: no server more. Opening throws when its tables can't be made. */
export const postgresQueue = (databaseUrl: string): QueueStore => ({
  async openQueue(log) {
    const queue = new Queue<PushJob>(PUSH_QUEUE, {
      connection: queueConnection(databaseUrl, 1),
      ...QUEUE_OPTIONS,
    });
    queue.on('error', (error) => log.warn({ error: error.message }, 'push queue'));
    await queue.waitUntilReady();
    let adding: Promise<unknown> = Promise.resolve();
    return {
      async add(idempotencyKeys) {
        adding = queue.addBulk(jobsOf(idempotencyKeys));
        await adding;
      },
      async close() {
        await adding.catch(() => undefined);
        await queue.close();
      },
    };
  },
  async openWorker(options) {
    const worker = new Worker<PushJob>(PUSH_QUEUE, options.work, {
      connection: queueConnection(databaseUrl, WORKER_CONNECTIONS_MAX),
      concurrency: options.concurrency,
      ...WORKER_OPTIONS,
    });
    watchWorker(worker, options);
    await worker.waitUntilReady();
    return { close: () => worker.close() };
  },
});
