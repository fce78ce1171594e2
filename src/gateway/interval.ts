import type { Clock } from '../model/time.ts';
import { gridAfter } from './poll-grid.ts';

/**
 * Does something at every multiple of `periodMs` plus `lagMs` of a clock, never twice for one. A time
 * that is missed is left out.
 */
export function startInterval(settings: {
  readonly clock: Clock;
  readonly periodMs: number;
  readonly lagMs: number;
  readonly work: () => void;
}): { close(): Promise<void> } {
  const { clock, periodMs, lagMs, work } = settings;
  const stop = new AbortController();

  async function run(): Promise<void> {
    while (!stop.signal.aborted) {
      await clock.sleepUntil(gridAfter(clock.now() - lagMs, periodMs) + lagMs, stop.signal);
      if (!stop.signal.aborted) work();
    }
  }

  const running = run();
  return {
    async close() {
      stop.abort();
      await running;
    },
  };
}
