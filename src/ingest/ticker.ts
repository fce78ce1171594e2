/** Calls `tick` with hub time, rounded down to the interval, once per interval. */
export interface Ticker {
  close(): void;
}

/**
 * Ticks fall on whole intervals of UTC. A tick missed while the process was busy is not made up for:
 * the next one says how late it is.
 */
export function startTicker(
  intervalMs: number,
  now: () => number,
  tick: (atMs: number) => void,
): Ticker {
  let timer: NodeJS.Timeout;
  let lastMs = 0;
  const wait = (): void => {
    const nowMs = now();
    timer = setTimeout(
      () => {
        const atMs = Math.floor(now() / intervalMs) * intervalMs;
        // The clock may have been set back: hub time in the journal does not go back with it.
        if (atMs > lastMs) {
          lastMs = atMs;
          tick(atMs);
        }
        wait();
      },
      intervalMs - (nowMs % intervalMs),
    );
  };
  wait();
  return { close: () => clearTimeout(timer) };
}
