import { DAY_MS, MINUTE_MS, SECOND_MS } from '../src/model/time.ts';
import type { Series } from './series.ts';
import { wallMsOf } from './wall-time.ts';

/**
 * A dusty process: a background while people work, and peaks from a cycle such as a sack change.
 */
export interface DustProcess {
  readonly seed: number;
  readonly backgroundMgPerM3: number;
  /** Largest height of a peak above the background. */
  readonly peakMgPerM3: number;
  readonly cycleMinutes: number;
  /** Breaks in wall-clock minutes of the day, `[from, to)`: the background falls to a tenth. */
  readonly idle: readonly (readonly [number, number])[];
}

/**
 * A number in [0, 1) that depends on the seed and two integers alone (after MurmurHash3's finish).
 */
export function noiseOf(seed: number, a: number, b: number): number {
  let h = Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) ^ Math.imul(a | 0, 0xc2b2ae35);
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b) ^ Math.imul(b | 0, 0x27d4eb2f);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return ((h ^ (h >>> 16)) >>> 0) / 4_294_967_296;
}

/**
 * Dust in mg/m³ from a seed: no recording (no public one has a usable licence), but the same value
 * for the same second for ever. Each cycle has one peak, its start, length and height drawn from
 * the seed.
 */
export function dustSeries(process: DustProcess): Series {
  const cycleMs = process.cycleMinutes * MINUTE_MS;
  const peakAt = (cycle: number, timeMs: number): number => {
    const startMs = cycle * cycleMs + noiseOf(process.seed, cycle, 1) * 0.5 * cycleMs;
    const lengthMs = (0.1 + 0.3 * noiseOf(process.seed, cycle, 2)) * cycleMs;
    const height = process.peakMgPerM3 * (0.4 + 0.6 * noiseOf(process.seed, cycle, 3));
    const phase = (timeMs - startMs) / lengthMs;
    return phase < 0 || phase > 1 ? 0 : height * Math.sin(Math.PI * phase);
  };
  return (timeMs) => {
    const minute = Math.floor((wallMsOf(timeMs) % DAY_MS) / MINUTE_MS);
    const working = !process.idle.some(([from, to]) => minute >= from && minute < to);
    const second = Math.floor(timeMs / SECOND_MS);
    const flutter = 0.85 + 0.3 * noiseOf(process.seed, second, 4);
    const background = process.backgroundMgPerM3 * (working ? 1 : 0.1);
    const peak = working ? peakAt(Math.floor(timeMs / cycleMs), timeMs) : 0;
    return (background + peak) * flutter;
  };
}
