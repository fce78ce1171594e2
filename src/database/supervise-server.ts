import { isAlive } from '../process/alive.ts';
import type { Logger } from '../process/log.ts';
import type { RunningServer } from './launch-server.ts';
import { stopServer } from './postgres-process.ts';

export interface Supervised {
  pid(): number;
  /** Why the server is away; null: it runs. */
  failure(): string | null;
  /** Stops the server, or the start of it. */
  close(): Promise<void>;
}

const WATCH_MS = 200;
/** Waits before the starts, doubled from one to the next. */
const RETRY_MS_MIN = 500;
const RETRY_MS_MAX = 10_000;
/** A server that ran for so long starts the waits anew. */
const STEADY_MS = 30_000;

/**
 * Starts a server again whenever it ended without being asked to, e.g. killed for memory or by a full
 * disk, for as long as it takes. It does not outlive this process unless that is killed.
 */
export function superviseServer(
  first: RunningServer,
  launch: (signal: AbortSignal) => Promise<RunningServer>,
  log: Logger,
): Supervised {
  const closing = new AbortController();
  let server = first;
  let startedMs = performance.now();
  let waitMs = RETRY_MS_MIN;
  let failure: string | null = null;
  let restarting: Promise<void> | undefined;

  async function restart(): Promise<void> {
    failure = 'PostgreSQL ended and is started again';
    log.error({ pid: server.pid }, failure);
    if (performance.now() - startedMs > STEADY_MS) waitMs = RETRY_MS_MIN;
    while (!closing.signal.aborted) {
      await sleep(waitMs, closing.signal);
      waitMs = Math.min(waitMs * 2, RETRY_MS_MAX);
      if (closing.signal.aborted) return;
      try {
        server = await launch(closing.signal);
        startedMs = performance.now();
        failure = null;
        return;
      } catch (error) {
        failure = `PostgreSQL does not start: ${(error as Error).message}`;
        log.error({ error: (error as Error).message, waitMs }, 'cannot start PostgreSQL again');
      }
    }
  }

  const timer = setInterval(() => {
    if (restarting !== undefined || !server.ended()) return;
    restarting = restart().finally(() => {
      restarting = undefined;
    });
  }, WATCH_MS);
  timer.unref();

  const stopAtExit = (): void => {
    if (!server.ended() && isAlive(server.pid)) process.kill(server.pid, 'SIGINT');
  };
  process.on('exit', stopAtExit);

  return {
    pid: () => server.pid,
    failure: () => failure,
    async close() {
      clearInterval(timer);
      closing.abort();
      await restarting;
      if (!server.ended()) await stopServer(server.pid, server.ended);
      process.off('exit', stopAtExit);
    },
  };
}

const sleep = (ms: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', done);
  });
