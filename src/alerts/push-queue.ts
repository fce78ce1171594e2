import type { Job } from 'bullmq';
import type { Logger } from '../process/log.ts';

/** Name of the BullMQ queue. */
export const PUSH_QUEUE = 'push';

/** A job is a pointer: truth is the outbox row. */
export interface PushJob {
  readonly idempotencyKey: string;
}

/** Where jobs are kept. Whatever is lost there the outbox gives again. */
export interface PushQueue {
  /** Adds jobs; one that is there already is not added twice. Throws when it can't be done now. */
  add(idempotencyKeys: readonly string[]): Promise<void>;
  /** An adding that can't end now fails. */
  close(): Promise<void>;
}

export interface PushQueueWorker {
  /** Takes no more; ends when what is under way has ended. */
  close(): Promise<void>;
}

export interface WorkerOptions {
  readonly concurrency: number;
  readonly log: Logger;
  readonly work: (job: Job<PushJob>) => Promise<void>;
  /** A job has left the queue, done or failed. */
  readonly onJobDone: (idempotencyKey: string | undefined) => void;
}

/** The two places that jobs can be kept in: PostgreSQL, or Redis when there is one. */
export interface QueueStore {
  openQueue(log: Logger): Promise<PushQueue>;
  openWorker(options: WorkerOptions): Promise<PushQueueWorker>;
}

/** Nobody reads the queue's own events: what happened stands in the clue's. */
const EVENTS_KEPT = 100;
/** A job whose worker died comes back after at most both; worked twice, the second finds no row. */
const JOB_LOCK_MS = 5_000;
const STALLED_CHECK_MS = 2_000;
/** After a lost connection. BullMQ sleeps through a close, and its own 15 s are more than a stop has. */
const RETRY_MS = 500;

/** What either place is told. */
export const QUEUE_OPTIONS = {
  streams: { events: { maxLen: EVENTS_KEPT } },
  defaultJobOptions: { removeOnComplete: true, removeOnFail: true },
};
export const WORKER_OPTIONS = {
  lockDuration: JOB_LOCK_MS,
  stalledInterval: STALLED_CHECK_MS,
  runRetryDelay: RETRY_MS,
};

export const jobsOf = (idempotencyKeys: readonly string[]) =>
  idempotencyKeys.map((idempotencyKey) => ({
    name: 'push',
    data: { idempotencyKey },
    opts: { jobId: idempotencyKey },
  }));

/** What both workers do with what they are told. */
export function watchWorker(
  worker: {
    on(event: 'error', listener: (error: Error) => void): unknown;
    on(event: 'completed', listener: (job: Job<PushJob>) => void): unknown;
    on(event: 'failed', listener: (job: Job<PushJob> | undefined, error: Error) => void): unknown;
  },
  { log, onJobDone }: WorkerOptions,
): void {
  worker.on('error', (error) => log.warn({ error: error.message }, 'push queue'));
  worker.on('failed', (job, error) => {
    // The outbox row is pending still: the dispatcher adds it again.
    log.warn({ job: job?.id, error: error.message }, 'cannot carry out push');
    onJobDone(job?.id);
  });
  worker.on('completed', (job) => onJobDone(job.id));
}
