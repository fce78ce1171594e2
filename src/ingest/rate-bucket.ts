/** How much of something may still pass: `perSecond` a second, `burst` at once. */
export interface RateBucket {
  /** Takes what has passed; it may overdraw: what was read can't be put back. */
  take(count: number, nowMs: number): void;
  /** Until nothing is owed any more, ms; 0: go on. */
  waitMs(nowMs: number): number;
}

export interface RateLimit {
  readonly perSecond: number;
  /** One second's worth when it is not given. */
  readonly burst?: number;
}

/** `nowMs` may be of any clock that never goes back. */
export function createRateBucket({ perSecond, burst = perSecond }: RateLimit): RateBucket {
  let left = burst;
  let atMs = Number.NEGATIVE_INFINITY;

  function refill(nowMs: number): void {
    left = Math.min(burst, left + (Math.max(0, nowMs - atMs) / 1_000) * perSecond);
    atMs = nowMs;
  }

  return {
    take(count, nowMs) {
      refill(nowMs);
      left -= count;
    },
    waitMs(nowMs) {
      refill(nowMs);
      return left >= 0 ? 0 : Math.ceil((-left / perSecond) * 1_000);
    },
  };
}
