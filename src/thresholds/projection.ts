import { COVERAGE_MIN } from './verdict.ts';

/** Contact that must have passed before anything is projected: a projection from less is a guess. */
export const PROJECTION_MINUTES_MIN = 30;
const PROJECTION_S_MIN = PROJECTION_MINUTES_MIN * 60;

/** What was seen of a running sum, and how long the whole will be. */
export interface SeenSoFar {
  /** Over the covered seconds. */
  readonly seen: number;
  readonly coveredSeconds: number;
  /** Seconds of contact that have passed. */
  readonly elapsedSeconds: number;
  /** Seconds of contact when all has passed. */
  readonly wholeSeconds: number;
}

/**
 * The sum when all contact has passed, if what is missing and what is to come are like what was seen;
 * null: less than half an hour of contact has passed, or less than 75 % of it was seen.
 */
export function projectedSum(soFar: SeenSoFar): number | null {
  const { seen, coveredSeconds, elapsedSeconds, wholeSeconds } = soFar;
  const isEnough = coveredSeconds > 0 && coveredSeconds >= COVERAGE_MIN * elapsedSeconds;
  if (elapsedSeconds < PROJECTION_S_MIN || !isEnough) return null;
  return (seen / coveredSeconds) * wholeSeconds;
}
