import { createPostgresBackend, type PostgresPoolConfig, withBackend } from 'bullmq';

/** Name of the BullMQ queue; its tables live in the schema `queue`. */
export const PUSH_QUEUE = 'push';
export const QUEUE_SCHEMA = 'queue';

/** BullMQ's classes on PostgreSQL. */
export const { Queue: PushQueue, Worker: PushQueueWorker } = withBackend(createPostgresBackend);

/** A job is a pointer: truth is the outbox row. */
export interface PushJob {
  readonly idempotencyKey: string;
}

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
