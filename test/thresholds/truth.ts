/**
 * What was really so in a shift, second by second, and whether it exceeded: the rules once more from the
 * clauses, slow and obvious, sharing no code with the engine. Nothing is missing in the truth.
 */
export interface Truth {
  /** By sensor: the true value of each second of the shift (of all shifts, for a weekly rule). */
  readonly of: Readonly<Record<string, Float64Array>>;
  /** Whether the crew was exposed in each second. */
  readonly exposed: Uint8Array;
}

export type Exceeds = (truth: Truth) => boolean;

const above = (value: number, limit: number): boolean => value > limit * (1 + 1e-9);

function sumOf(values: Float64Array, exposed: Uint8Array, from = 0, to = values.length): number {
  let sum = 0;
  for (let s = from; s < to; s++) if (exposed[s] === 1) sum += values[s]!;
  return sum;
}

export const twaAbove =
  (sensor: string, limit: number): Exceeds =>
  ({ of, exposed }) =>
    above(sumOf(of[sensor]!, exposed) / 28_800, limit);

/** Whether a mean over `minutes` on the grid is above; time without exposure is 0. */
export const meanAbove =
  (sensor: string, limit: number, minutes: number): Exceeds =>
  ({ of, exposed }) => {
    const values = of[sensor]!;
    for (let from = 0; from + minutes * 60 <= values.length; from += 60) {
      const sum = sumOf(values, exposed, from, from + minutes * 60);
      if (above(sum / (minutes * 60), limit)) return true;
    }
    return false;
  };

/** Level over `hours`: 8 of a day, 40 of a week. */
export const levelAbove =
  (sensor: string, limit: number, hours: number): Exceeds =>
  ({ of, exposed }) => {
    const energies = of[sensor]!.map((level) => 10 ** (level / 10));
    return above(10 * Math.log10(sumOf(energies, exposed) / (hours * 3_600)), limit);
  };

const WBGT_LIMITS_III = [
  [7_200, 31],
  [14_400, 29],
  [21_600, 28],
  [Number.POSITIVE_INFINITY, 26],
] as const;

/** Heat of labour III from channels and their weights. */
export const heatAbove =
  (weights: Readonly<Record<string, number>>): Exceeds =>
  ({ of, exposed }) => {
    const wbgt = new Float64Array(exposed.length);
    for (const [sensor, weight] of Object.entries(weights)) {
      for (const [s, value] of of[sensor]!.entries()) wbgt[s]! += weight * value;
    }
    const hot = wbgt.filter((value, s) => exposed[s] === 1 && value >= 25 - 1e-8);
    const sum = hot.reduce((total, value) => total + value, 0);
    const seconds = hot.length;
    const [, limit] = WBGT_LIMITS_III.find(([end]) => seconds <= end)!;
    return seconds > 0 && above(sum / seconds, limit);
  };

/** The highest peak against the limit for the number of impulses heard. */
export const impulseAbove =
  (peak: string, count: string): Exceeds =>
  ({ of, exposed }) => {
    const impulses = Math.floor(sumOf(of[count]!, exposed) / 60 + 1e-6);
    let max = 0;
    for (let s = 0; s < exposed.length; s++) {
      if (exposed[s] === 1) max = Math.max(max, of[peak]![s]!);
    }
    return above(max, impulses <= 100 ? 140 : impulses <= 1_000 ? 130 : 120);
  };

/** 3 × for at most 15 min, at most 4 times, at least 60 min apart, never 5 ×; five quiet minutes end one. */
export const peakBroken =
  (sensor: string, pcTwa: number): Exceeds =>
  ({ of, exposed }) => {
    const minutes: number[] = [];
    for (let s = 0; s < exposed.length; s += 60) {
      minutes.push(sumOf(of[sensor]!, exposed, s, s + 60) / 60);
    }
    const peaks: [first: number, last: number][] = [];
    for (const [i, value] of minutes.entries()) {
      if (above(value, 5 * pcTwa)) return true;
      if (!above(value, 3 * pcTwa)) continue;
      const last = peaks.at(-1);
      if (last !== undefined && i - last[1] <= 5) last[1] = i;
      else peaks.push([i, i]);
    }
    const isClose = peaks.some((one, i) => i > 0 && one[0] - peaks[i - 1]![1] - 1 < 60);
    return peaks.length > 4 || isClose || peaks.some(([first, last]) => last - first + 1 > 15);
  };
