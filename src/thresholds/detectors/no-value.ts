import { MINUTE_MS } from '../../model/time.ts';
import type { Detector } from './detector.ts';

/** A closed minute for which something came, but no value that could be proof. */
export interface ValuelessMinute {
  readonly minute: number;
  /** Last minute with such a value; of a channel that never had one, the minute before its first datum. */
  readonly lastSeenMinute: number;
}

/**
 * The gateway goes on and the sensor behind it doesn't: a pulled cable gives frames without a value, a broken cell readings
 * flagged as a fault. To whom only looks at what arrives, such a channel isn't silent.
 */
export const noValue: Detector<ValuelessMinute> = {
  kind: 'SILENCE',
  /** `lastSeenMinute` of the finding told last. */
  slots: 1,
  see({ minute, lastSeenMinute }, memory, at, settings) {
    const minutes = minute - lastSeenMinute;
    if (minutes < settings.silence.minutes || memory[at] === lastSeenMinute) return undefined;
    memory[at] = lastSeenMinute;
    return { fromMs: (lastSeenMinute + 1) * MINUTE_MS, detail: { minutes, reason: 'no-value' } };
  },
};
