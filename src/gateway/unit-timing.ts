/** Steps of the histogram in a doubling of the time: 9 % apart. */
const STEPS_PER_OCTAVE = 8;
const SHORTEST_MS = 0.05;
const STEPS = 170;
/** Round trips in one window; the one before it counts as well. */
const WINDOW_SAMPLES = 2_000;
/** With fewer the longest of them says nothing yet. */
const SAMPLES_MIN = 100;
const TIMEOUT_QUANTILE = 0.999;
const TIMEOUT_MARGIN = 1.5;

/** How long one unit takes to answer, as it was measured. */
export interface UnitTiming {
  /** A reply came after so long, in time or late. */
  add(rttMs: number): void;
  /** An upper bound of the quantile; null: no reply yet. */
  quantile(q: number): number | null;
  /** How long to wait for a reply: 1.5 times what 99.9 % take, within the bounds. */
  timeoutMs(): number;
}

const stepOf = (ms: number): number =>
  Math.min(STEPS - 1, Math.max(0, Math.ceil(Math.log2(ms / SHORTEST_MS) * STEPS_PER_OCTAVE)));

const msOf = (step: number): number => SHORTEST_MS * 2 ** (step / STEPS_PER_OCTAVE);

export function createUnitTiming(bounds: {
  readonly timeoutMsMin: number;
  readonly timeoutMsMax: number;
}): UnitTiming {
  let current = new Uint16Array(STEPS);
  let before = new Uint16Array(STEPS);
  let inCurrent = 0;
  let inBefore = 0;

  function quantile(q: number): number | null {
    const count = inCurrent + inBefore;
    if (count === 0) return null;
    let left = Math.max(1, Math.ceil(q * count));
    for (let step = 0; step < STEPS; step += 1) {
      left -= current[step]! + before[step]!;
      if (left <= 0) return msOf(step);
    }
    return msOf(STEPS - 1);
  }

  return {
    add(rttMs) {
      current[stepOf(rttMs)]! += 1;
      inCurrent += 1;
      if (inCurrent < WINDOW_SAMPLES) return;
      [before, current] = [current, before];
      inBefore = inCurrent;
      current.fill(0);
      inCurrent = 0;
    },
    quantile,
    timeoutMs() {
      const usual = quantile(TIMEOUT_QUANTILE);
      if (usual === null || inCurrent + inBefore < SAMPLES_MIN) return bounds.timeoutMsMax;
      const wanted = Math.max(bounds.timeoutMsMin, usual * TIMEOUT_MARGIN);
      return Math.round(Math.min(bounds.timeoutMsMax, wanted));
    },
  };
}
