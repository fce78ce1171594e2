/**
 * T, above the measuring range (design §5): counts as the range top in the lower bound when the channel
 * rose through plausible values and came back, else it is a fault and counts for nothing.
 *
 * Read so that losing data can only lower the bound: a T second counts when
 * 1. a value at or above `plausibleRise` was seen at most 60 s before the first second of its stretch
 *    of adjacent T seconds, and
 * 2. a seen value follows within 30 min of that rise, holes included.
 * A hole therefore ends a stretch: what follows it needs a rise of its own. The 30 min run from the rise
 * and not from the first T: losing that one would make the rest last shorter, and count.
 */
export const RISE_S_MAX = 60;
export const SATURATED_S_MAX = 30 * 60;

/** T seconds of one minute that count, and the minute whose data settled it. */
export interface SaturatedSeconds {
  readonly index: number;
  readonly resolvedIndex: number;
  readonly seconds: number;
  /** Sum of their contributions. */
  readonly sum: number;
}

interface Pending {
  readonly index: number;
  readonly riseS: number;
  readonly part: number;
}

/** Feed seconds in ascending order; `done` gives what counts. */
export interface SaturationReader {
  seen(second: number, index: number, isHigh: boolean): void;
  saturated(second: number, index: number, part: number): void;
  done(): readonly SaturatedSeconds[];
}

export function createSaturationReader(): SaturationReader {
  const counted: SaturatedSeconds[] = [];
  let pending: Pending[] = [];
  let lastHighS = Number.NEGATIVE_INFINITY;
  let lastT = { second: Number.NEGATIVE_INFINITY, riseS: Number.NEGATIVE_INFINITY };

  const settle = (second: number, resolvedIndex: number): void => {
    const byMinute = new Map<number, { seconds: number; sum: number }>();
    for (const { index, riseS, part } of pending) {
      if (second - riseS > SATURATED_S_MAX) continue;
      const sums = byMinute.get(index) ?? { seconds: 0, sum: 0 };
      byMinute.set(index, { seconds: sums.seconds + 1, sum: sums.sum + part });
    }
    for (const [index, sums] of byMinute) counted.push({ index, resolvedIndex, ...sums });
    pending = [];
  };

  return {
    seen(second, index, isHigh) {
      if (pending.length > 0) settle(second, index);
      if (isHigh) lastHighS = second;
    },
    saturated(second, index, part) {
      const isAdjacent = second === lastT.second + 1;
      const hasRisen = second - lastHighS <= RISE_S_MAX;
      const riseS = isAdjacent ? lastT.riseS : hasRisen ? lastHighS : Number.NEGATIVE_INFINITY;
      lastT = { second, riseS };
      if (Number.isFinite(riseS)) pending.push({ index, riseS, part });
    },
    done: () => counted,
  };
}
