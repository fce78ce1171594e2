import { MINUTE_MS } from '../model/time.ts';

/** More changes than this within the window, and only that it flaps is told. */
const EDGES_MAX = 6;
const WINDOW_MS = 10 * MINUTE_MS;

export interface FlapDamper {
  /** It changed. `tell`: say so; `flapping`: say that it goes to and fro; `hush`: that was said. */
  edge(nowMs: number): 'tell' | 'flapping' | 'hush';
  /** True until it has been steady for ten minutes. */
  isFlapping(nowMs: number): boolean;
  /** All changes so far. */
  count(): number;
}

/** What changes to and fro is told as that, once, instead of each time. `nowMs` is real time. */
export function createFlapDamper(): FlapDamper {
  let times: number[] = [];
  let count = 0;
  let flaps = false;

  function isFlapping(nowMs: number): boolean {
    if (nowMs - (times.at(-1) ?? nowMs) > WINDOW_MS) flaps = false;
    return flaps;
  }

  return {
    edge(nowMs) {
      const was = isFlapping(nowMs);
      count += 1;
      times = [...times, nowMs].slice(-(EDGES_MAX + 1));
      if (was) return 'hush';
      if (times.length <= EDGES_MAX || nowMs - times[0]! > WINDOW_MS) return 'tell';
      flaps = true;
      return 'flapping';
    },
    isFlapping,
    count: () => count,
  };
}
