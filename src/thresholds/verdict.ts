import type { Verdict } from '../model/exposure.ts';
import { estimateUncertaintyAt, uncertaintyAt, type WindowUncertainty } from './uncertainty.ts';

/** Share of contact time that must be seen for an estimate. */
export const COVERAGE_MIN = 0.75;

/** GBZ 2.1-2019 6.3: equal complies; binary fractions are given 1e-9 relative. */
export const exceeds = (value: number, limit: number): boolean =>
  value > limit + Math.abs(limit) * 1e-9;

/** What one window says, before a verdict. */
export interface WindowBounds {
  /** Most favourable completion of what is missing. */
  readonly lowerBound: number;
  /** What is missing is like what was seen; null: too little seen. */
  readonly estimate: number | null;
}

/** Whether the exceedance holds for every value that the missing data could have had. */
export const isCertain = (
  lowerBound: number,
  limit: number,
  uncertainty: WindowUncertainty | null,
): boolean =>
  uncertainty !== null && exceeds(lowerBound - uncertaintyAt(uncertainty, lowerBound), limit);

/**
 * The verdict of one window (design §5). `isCapped`: a finding forbids `exceeded`, whatever the
 * numbers. An unknown uncertainty can't accuse; `within` then says so in the result's caps.
 */
export function judgeWindow(
  bounds: WindowBounds,
  limit: number,
  uncertainty: WindowUncertainty | null,
  isCapped: boolean,
): Verdict {
  const { lowerBound, estimate } = bounds;
  if (!isCapped && isCertain(lowerBound, limit, uncertainty)) return 'exceeded';
  if (exceeds(lowerBound, limit) || (estimate !== null && exceeds(estimate, limit))) {
    return 'suspected';
  }
  if (estimate === null) return 'indeterminate';
  const upper =
    estimate + (uncertainty === null ? 0 : estimateUncertaintyAt(uncertainty, estimate));
  return exceeds(upper, limit) ? 'borderline' : 'within';
}

/** Seconds in conflict that a window bears before it can only be suspected (promise 2). */
const CONFLICT_S_MAX = 60;
const CONFLICT_SHARE_MAX = 0.01;

export const hasTooManyConflicts = (conflictSeconds: number, contactSeconds: number): boolean =>
  conflictSeconds > CONFLICT_S_MAX || conflictSeconds > contactSeconds * CONFLICT_SHARE_MAX;
