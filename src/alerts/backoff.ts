import type { PushRetry } from './settings.ts';

/**
 * Wait before the next attempt, ms: full jitter, drawn evenly between 0 and `min(max, min ×
 * 2^(n−1))` after `attempts` attempts. What the platform asked for comes on top, cut to its bound.
 */
export function backoffMs(
  attempts: number,
  askedMs: number | null,
  retry: PushRetry,
  random: () => number,
): number {
  const ceilingMs = Math.min(
    retry.backoffMsMax,
    retry.backoffMsMin * 2 ** Math.max(0, attempts - 1),
  );
  const jitterMs = random() * ceilingMs;
  return Math.round(Math.min(askedMs ?? 0, retry.retryAfterMsMax) + jitterMs);
}
