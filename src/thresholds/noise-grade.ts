import { exceeds, type WindowBounds } from './verdict.ts';

/** 噪声作业: LEX of 80 dB(A) and more. */
export const NOISE_WORK_DBA = 80;

/** Lower ends of the grades I to IV. */
const GRADES_DBA: readonly number[] = [85, 90, 95, 100];

/**
 * GBZ/T 229.4-2012 grades of noise work, as information: 0 below I. The printed classes leave 94–95 dB
 * undefined as remembered, so they are taken as half-open intervals (unverified).
 */
export function noiseGrade(levelDbA: number | null): Readonly<Record<string, number>> {
  if (levelDbA === null) return {};
  return { grade2294: GRADES_DBA.filter((from) => !exceeds(from, levelDbA)).length };
}

/** Whether it is "noise work". */
export const noiseNotes = ({ lowerBound, estimate }: WindowBounds): readonly string[] =>
  exceeds(NOISE_WORK_DBA, Math.max(lowerBound, estimate ?? 0)) ? [] : ['noise-work'];
