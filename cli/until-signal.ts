import type { ShutdownStack } from '../src/process/shutdown.ts';

/** All parts together have this long to stop; then the process ends anyway and says what was late. */
const CLOSE_WITHIN_MS = 9_000;

/**
 * Starts, waits for SIGINT or SIGTERM, closes the stack in order and ends the process. A signal during
 * the start aborts it; what it rejects with then is no fault. A second Ctrl-C ends the process at once.
 * Throws what the start throws, once the stack is closed.
 */
export async function runUntilSignal(
  stack: ShutdownStack,
  say: (text: string) => void,
  start: (signal: AbortSignal) => Promise<void>,
): Promise<never> {
  const stop = new AbortController();
  const stopped = new Promise<void>((resolve) => {
    const onSignal = (): void => {
      if (stop.signal.aborted) return;
      process.once('SIGINT', () => process.exit(130));
      say('stopping …');
      stop.abort();
      resolve();
    };
    process.once('SIGINT', onSignal);
    // Also heard again: npm and a supervisor may both send it, and the second must not cut the stop short.
    process.on('SIGTERM', onSignal);
  });
  try {
    await start(stop.signal);
  } catch (error) {
    if (!stop.signal.aborted) {
      await stack.closeAll(CLOSE_WITHIN_MS);
      throw error;
    }
  }
  await stopped;
  const reports = await stack.closeAll(CLOSE_WITHIN_MS);
  const late = reports.filter((report) => report.error !== undefined);
  for (const report of late) say(`${report.name}: ${report.error}`);
  say('stopped');
  // Whoever can't go on has set it: what restarts it must see a failure.
  process.exit(late.length > 0 ? 1 : (process.exitCode ?? 0));
}

/** The same for what has started already. */
export const closeOnSignal = (stack: ShutdownStack, say: (text: string) => void): Promise<never> =>
  runUntilSignal(stack, say, () => Promise.resolve());
