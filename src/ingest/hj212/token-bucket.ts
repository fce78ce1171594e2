/** How much of something may still pass: `ratePerS` a second, `burst` at once. */
export interface TokenBucket {
  take(count: number): void;
  /** Ms until something may pass again; 0: now. */
  waitMs(): number;
}

/** What is taken beyond the bucket is owed: it has been read already and can't be put back. */
export function createTokenBucket(
  { ratePerS, burst }: { readonly ratePerS: number; readonly burst: number },
  nowMs: () => number,
): TokenBucket {
  let tokens = burst;
  let filledMs = nowMs();
  const fill = (): void => {
    const atMs = nowMs();
    tokens = Math.min(burst, tokens + ((atMs - filledMs) / 1_000) * ratePerS);
    filledMs = atMs;
  };
  return {
    take(count) {
      fill();
      tokens -= count;
    },
    waitMs() {
      fill();
      return tokens > 0 ? 0 : Math.ceil(((1 - tokens) / ratePerS) * 1_000);
    },
  };
}
