import { Queue, Worker } from 'bullmq';
import { Redis } from 'ioredis';
import type { Logger } from '../process/log.ts';
import {
  jobsOf,
  PUSH_QUEUE,
  type PushJob,
  QUEUE_OPTIONS,
  type QueueStore,
  WORKER_OPTIONS,
  watchWorker,
} from './push-queue.ts';

/** In braces: all keys of the queue in one slot of a cluster. */
const PREFIX = '{wugan}';
/** Full jitter up to this; a Redis that is away is tried for as long as it takes. */
const RECONNECT_MS_MAX = 5_000;
const RECONNECT_MS_MIN = 50;
/** An adding that Redis has not answered after so long counts as failed; it may still happen. */
const ADD_MS_MAX = 3_000;

/** Jobs in Redis. It may be away, also at the start: opening waits for nothing. */
export const redisQueue = (redisUrl: string): QueueStore => ({
  async openQueue(log) {
    const redis = connect(redisUrl, log);
    const queue = new Queue<PushJob>(PUSH_QUEUE, {
      connection: redis,
      prefix: PREFIX,
      ...QUEUE_OPTIONS,
    });
    queue.on('error', (error) => log.debug({ error: error.message }, 'push queue'));
    const stop = new AbortController();
    let adding: Promise<void> | undefined;
    return {
      async add(idempotencyKeys) {
        stop.signal.throwIfAborted();
        // One that waits for Redis to come back is enough: a day's outage must not pile them up.
        if (adding !== undefined) throw new Error('Redis has not answered yet');
        adding = queue
          .addBulk(jobsOf(idempotencyKeys))
          .then(() => undefined)
          .finally(() => {
            adding = undefined;
          });
        await answered(adding, stop.signal);
      },
      async close() {
        stop.abort(new Error('the queue closes'));
        redis.disconnect();
        await queue.close();
      },
    };
  },
  async openWorker(options) {
    const redis = connect(redisUrl, options.log);
    const working = new Set<Promise<void>>();
    let closed = false;
    const worker = new Worker<PushJob>(
      PUSH_QUEUE,
      (job) => {
        // Its row stays pending: it is added again.
        if (closed) return Promise.resolve();
        const work = options.work(job).finally(() => working.delete(work));
        working.add(work);
        return work;
      },
      {
        connection: redis,
        prefix: PREFIX,
        concurrency: options.concurrency,
        ...WORKER_OPTIONS,
      },
    );
    watchWorker(worker, options);
    return {
      async close() {
        closed = true;
        await Promise.allSettled(working);
        // By force: otherwise it waits for a Redis that may be away.
        await worker.close(true);
        redis.disconnect();
      },
    };
  },
});

/** Commands wait while Redis is away, as BullMQ asks; nothing gives up. */
function connect(redisUrl: string, log: Logger): Redis {
  const redis = new Redis(redisUrl, {
    maxRetriesPerRequest: null,
    retryStrategy: (times) =>
      RECONNECT_MS_MIN +
      Math.random() * Math.min(RECONNECT_MS_MAX, RECONNECT_MS_MIN * 2 ** Math.min(times, 20)),
  });
  let isAway = false;
  redis.on('error', (error: Error) => {
    if (!isAway)
      log.warn({ error: error.message }, 'Redis is away; the outbox keeps what is to send');
    isAway = true;
  });
  redis.on('ready', () => {
    if (isAway) log.info('Redis is there again');
    isAway = false;
  });
  return redis;
}

/** Throws when there is no answer in time, or before the signal aborts. */
async function answered(adding: Promise<void>, stop: AbortSignal): Promise<void> {
  const signal = AbortSignal.any([stop, AbortSignal.timeout(ADD_MS_MAX)]);
  // Its own failure, when it comes after the time, is nobody's: the next adding finds out.
  adding.catch(() => undefined);
  await Promise.race([
    adding,
    new Promise<never>((_, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
    }),
  ]);
}
