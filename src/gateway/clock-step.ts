import { type Clock, SECOND_MS } from '../model/time.ts';

/** A clock that moves further than this against the monotonic one was set, not slewed. */
const STEP_MS_MIN = SECOND_MS;

/**
 * Watches a clock against a monotonic one. `check()` gives the step since the last check in ms, 0 when
 * there was none; checks must be seconds apart, not days, so that slewing is not taken for a step.
 */
export function createStepWatch(
  clock: Pick<Clock, 'now'>,
  monotonicMs: () => number = () => performance.now(),
): { check(): number } {
  let offsetMs = clock.now() - monotonicMs();
  return {
    check() {
      const nowOffsetMs = clock.now() - monotonicMs();
      const stepMs = nowOffsetMs - offsetMs;
      offsetMs = nowOffsetMs;
      return Math.abs(stepMs) > STEP_MS_MIN ? Math.round(stepMs) : 0;
    },
  };
}
