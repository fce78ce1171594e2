const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;

/** Stretches of the chosen range, `[fromMs, toMs)`, on whole minutes. */
export const RANGES = ['shift', 'hours8', 'hours24'];

/** What to fetch for a row. The shift is shown whole, so that what is left of it can be seen. */
export function rangeOf(row, choice) {
  const asOfMs = row.standing.asOfMs;
  const shift = row.standing.shift ?? row.latestResult?.shift;
  if (choice === 'shift' && shift) return { fromMs: shift.startMs, toMs: shift.endMs };
  if (asOfMs === null) return {};
  const toMs = Math.ceil(asOfMs / MINUTE_MS) * MINUTE_MS;
  return { fromMs: toMs - (choice === 'hours8' ? 8 : 24) * HOUR_MS, toMs };
}

/**
 * One entry per minute of the range up to `untilMs`: a minute without a cell has null, so that the
 * curve breaks where nothing was observed.
 */
export function everyMinute(series, untilMs) {
  const cells = new Map(series.points.map((point) => [point.minuteMs, point]));
  const endMs = Math.min(series.toMs, Math.max(untilMs ?? 0, series.points.at(-1)?.minuteMs ?? 0));
  const minutes = [];
  for (let minuteMs = series.fromMs; minuteMs < endMs; minuteMs += MINUTE_MS) {
    minutes.push({ minuteMs, point: cells.get(minuteMs) ?? null });
  }
  return minutes;
}

/** Runs of minutes without a mean, as `[fromMs, toMs)`. */
export function gapsOf(minutes) {
  const gaps = [];
  for (const { minuteMs, point } of minutes) {
    if (point !== null && point.mean !== null) continue;
    const last = gaps.at(-1);
    if (last !== undefined && last.toMs === minuteMs) last.toMs = minuteMs + MINUTE_MS;
    else gaps.push({ fromMs: minuteMs, toMs: minuteMs + MINUTE_MS });
  }
  return gaps;
}
