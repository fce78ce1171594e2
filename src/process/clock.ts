import type { Clock } from '../model/time.ts';

/** setTimeout can't wait longer than this; a longer sleep is made of several. */
const TIMEOUT_MS_MAX = 2_000_000_000;

/** The machine's clock. */
export const realClock: Clock = {
  now: () => Date.now(),
  sleepUntil: (timeMs, signal) =>
    new Promise((resolve) => {
      let timer: NodeJS.Timeout | undefined;
      const done = (): void => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', done);
        resolve();
      };
      const wait = (): void => {
        const leftMs = timeMs - Date.now();
        if (leftMs <= 0 || signal?.aborted) done();
        else timer = setTimeout(wait, Math.min(leftMs, TIMEOUT_MS_MAX));
      };
      signal?.addEventListener('abort', done, { once: true });
      wait();
    }),
};
