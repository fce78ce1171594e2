/** UTC times are integers of milliseconds since 1970 and carry the suffix `Ms` in every name. */
export const SECOND_MS = 1_000;
export const MINUTE_MS = 60_000;
export const HOUR_MS = 3_600_000;
export const DAY_MS = 86_400_000;

/** Number of the UTC minute that a time lies in. */
export const minuteOf = (timeMs: number): number => Math.floor(timeMs / MINUTE_MS);

/**
 * What tells a process the time and lets it wait. The real one follows the machine; the virtual one
 * of the demo runs faster and is known to gateway and simulators only.
 */
export interface Clock {
  /** UTC ms now. */
  now(): number;
  /** Ends when `now() >= timeMs`, or at once when `signal` aborts. Never rejects. */
  sleepUntil(timeMs: number, signal?: AbortSignal): Promise<void>;
}
