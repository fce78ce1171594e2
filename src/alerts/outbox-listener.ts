import pg from 'pg';
import type { Logger } from '../process/log.ts';
import { OUTBOX_CHANNEL } from './apply.ts';

const CONNECT_MS_MAX = 10_000;

export interface OutboxListener {
  close(): Promise<void>;
}

/**
 * Calls `onReleased` when a transaction that released a revision commits, in whichever process. A
 * broken connection is made again every `reconnectMs`; what was missed meanwhile the dispatcher
 * finds itself.
 */
export function listenToOutbox({
  databaseUrl,
  reconnectMs,
  onReleased,
  log,
}: {
  readonly databaseUrl: string;
  readonly reconnectMs: number;
  readonly onReleased: () => void;
  readonly log: Logger;
}): OutboxListener {
  let client: pg.Client | undefined;
  let timer: NodeJS.Timeout | undefined;
  let closed = false;

  async function connect(): Promise<void> {
    const next = new pg.Client({
      connectionString: databaseUrl,
      keepAlive: true,
      connectionTimeoutMillis: CONNECT_MS_MAX,
    });
    client = next;
    let broken = false;
    const retry = (error?: Error): void => {
      if (broken || closed) return;
      broken = true;
      void next.end();
      log.warn({ error: error?.message ?? 'ended' }, 'outbox listener lost its connection');
      timer = setTimeout(start, reconnectMs);
    };
    next.on('error', retry);
    next.on('end', () => retry());
    next.on('notification', onReleased);
    try {
      await next.connect();
      await next.query(`listen ${OUTBOX_CHANNEL}`);
      onReleased();
    } catch (error) {
      retry(error as Error);
    }
  }

  let connecting: Promise<void> = Promise.resolve();
  const start = (): void => {
    connecting = connect();
  };
  start();
  return {
    async close() {
      closed = true;
      clearTimeout(timer);
      await connecting;
      await client?.end();
    },
  };
}
