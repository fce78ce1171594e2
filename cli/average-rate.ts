/**
 * The mean rate of a growing total over the last `windowMs`: gateways send in bursts, and between
 * two of them the last second alone says 0. Gets the total and a clock that never goes back, ms;
 * gives the total's growth per second.
 */
export function createAverageRate(windowMs: number): (total: number, nowMs: number) => number {
  const seen: { readonly total: number; readonly atMs: number }[] = [];
  return (total, nowMs) => {
    seen.push({ total, atMs: nowMs });
    // One sample at or before the window's begin is kept: the rate is taken from it.
    while (seen[1] !== undefined && seen[1].atMs <= nowMs - windowMs) seen.shift();
    const first = seen[0];
    if (first === undefined || first.atMs === nowMs) return 0;
    return ((total - first.total) * 1_000) / (nowMs - first.atMs);
  };
}
