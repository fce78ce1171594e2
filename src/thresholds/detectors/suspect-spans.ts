/** Time in which a finding speaks against a channel's or a gateway's data, UTC ms. */
export interface SuspectSpan {
  readonly reason: string;
  readonly fromMs: number;
  untilMs: number;
}

/** Spans by index of what they speak against. */
export type SpansByIndex = Map<number, SuspectSpan[]>;

export function spansOf(byIndex: SpansByIndex, index: number): SuspectSpan[] {
  let spans = byIndex.get(index);
  if (spans === undefined) {
    spans = [];
    byIndex.set(index, spans);
  }
  return spans;
}

/** Spans kept; the oldest go. */
const SPANS_MAX = 16;

/** Notes that the finding that began at `fromMs` holds until `untilMs` at least. */
export function extendSpan(
  spans: SuspectSpan[],
  reason: string,
  fromMs: number,
  untilMs: number,
): void {
  const known = spans.find((span) => span.reason === reason && span.fromMs === fromMs);
  if (known !== undefined) {
    known.untilMs = Math.max(known.untilMs, untilMs);
    return;
  }
  spans.push({ reason, fromMs, untilMs });
  if (spans.length > SPANS_MAX) spans.shift();
}

/** Reasons that speak against some of `[startMs, endMs)`. */
export const reasonsIn = (
  spans: readonly SuspectSpan[],
  startMs: number,
  endMs: number,
): readonly string[] =>
  spans
    .filter(({ fromMs, untilMs }) => fromMs < endMs && untilMs > startMs)
    .map(({ reason }) => reason);
