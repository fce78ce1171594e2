import type { InputLimit } from '../rule-inputs.ts';

/**
 * The same with each unconfirmed limit replaced by the confirmed one that it came in the place of;
 * undefined: none has one. What exceeds the old, looser limit exceeds whichever is in force.
 */
export function byProvenLimits<T extends { readonly limits: readonly InputLimit[] }>(
  judged: T,
): T | undefined {
  if (judged.limits.every(({ proven }) => proven === undefined)) return undefined;
  const limits = judged.limits.map(({ fromMs, limit, proven }) => ({
    fromMs,
    limit: proven ?? limit,
  }));
  return { ...judged, limits };
}
