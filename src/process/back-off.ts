/**
 * Back-off with full jitter: a random time between 0 and a bound that doubles from `msMin` to
 * `msMax`. Ten thousand gateways that lost one broker must not come back in the same second.
 */
export function createBackOff(
  { msMin, msMax }: { readonly msMin: number; readonly msMax: number },
  random: () => number,
): { next(): number; reset(): void } {
  let attempts = 0;
  return {
    next() {
      const boundMs = Math.min(msMax, msMin * 2 ** Math.min(attempts, 30));
      attempts += 1;
      return Math.floor(random() * boundMs);
    },
    reset() {
      attempts = 0;
    },
  };
}
