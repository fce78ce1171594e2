/** Event time `[fromMs, untilMs)`, UTC ms. */
export interface TimeSpan {
  readonly fromMs: number;
  readonly untilMs: number;
}

/** Spans kept in a list; beyond, the two nearest become one: nothing is ever forgotten. */
export const SPANS_MAX = 64;

/** Adds a span to an ascending list without overlaps; false: it was covered already. */
export function addSpan(spans: TimeSpan[], { fromMs, untilMs }: TimeSpan): boolean {
  const last = spans.at(-1);
  // The usual case: what follows on the last, or lies inside it.
  if (last !== undefined && fromMs >= last.fromMs && fromMs <= last.untilMs) {
    if (untilMs <= last.untilMs) return false;
    spans[spans.length - 1] = { fromMs: last.fromMs, untilMs };
    return true;
  }
  if (spans.some((span) => span.fromMs <= fromMs && untilMs <= span.untilMs)) return false;
  const joined = spans.filter((span) => span.fromMs <= untilMs && fromMs <= span.untilMs);
  const whole = {
    fromMs: Math.min(fromMs, ...joined.map((span) => span.fromMs)),
    untilMs: Math.max(untilMs, ...joined.map((span) => span.untilMs)),
  };
  const kept = [...spans.filter((span) => !joined.includes(span)), whole];
  kept.sort((a, b) => a.fromMs - b.fromMs);
  if (kept.length > SPANS_MAX) joinNearest(kept);
  spans.splice(0, spans.length, ...kept);
  return true;
}

function joinNearest(spans: TimeSpan[]): void {
  let nearest = 0;
  const gapAt = (i: number): number => spans[i + 1]!.fromMs - spans[i]!.untilMs;
  for (let i = 1; i + 1 < spans.length; i++) if (gapAt(i) < gapAt(nearest)) nearest = i;
  const [left, right] = spans.slice(nearest, nearest + 2);
  spans.splice(nearest, 2, { fromMs: left!.fromMs, untilMs: right!.untilMs });
}

export const touchesSpan = (spans: readonly TimeSpan[], fromMs: number, untilMs: number): boolean =>
  spans.some((span) => span.fromMs < untilMs && span.untilMs > fromMs);
