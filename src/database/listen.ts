import pg from 'pg';
import { createBackOff } from '../process/back-off.ts';
import type { Logger } from '../process/log.ts';

export interface Listener {
  close(): Promise<void>;
}

export interface ListenOptions {
  readonly databaseUrl: string;
  readonly channel: string;
  /** A broken connection is made again after a random time up to this. */
  readonly reconnectMsMax: number;
  /** Listening from now on: whatever was notified before is to be looked for. */
  readonly onListening: () => void;
  readonly onNotified: (payload: string) => void;
  readonly log: Logger;
}

const CONNECT_MS_MAX = 10_000;
const RECONNECT_MS_MIN = 100;
/**
 * A listener that takes nothing any more (a stopped process) is cut off: the server keeps what it has not
 * been told, and refuses commits that notify when there is no room left.
 */
const SETUP = `set tcp_user_timeout = '60s'`;

/**
 * Hears the notifications of a channel, on a connection of its own. A broken connection is made again
 * with full jitter; notifications sent meanwhile are missed, so each listener looks for itself too.
 */
export function listenTo(options: ListenOptions): Listener {
  const { databaseUrl, channel, reconnectMsMax, onListening, onNotified, log } = options;
  const msMin = Math.min(RECONNECT_MS_MIN, reconnectMsMax);
  const backOff = createBackOff({ msMin, msMax: reconnectMsMax }, Math.random);
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
      log.warn({ channel, error: error?.message ?? 'ended' }, 'database listener was cut off');
      timer = setTimeout(start, backOff.next());
    };
    next.on('error', retry);
    next.on('end', () => retry());
    next.on('notification', ({ payload = '' }) => onNotified(payload));
    try {
      await next.connect();
      await next.query(SETUP);
      await next.query(`listen ${channel}`);
      backOff.reset();
      onListening();
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
