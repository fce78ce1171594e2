import { HOUR_MS } from '../../model/time.ts';
import type { Detector } from './detector.ts';

/** A tick, and how far a gateway's clock was found off last. */
export interface ClockAtTick {
  readonly nowMs: number;
  /** Of the gateway's clock against the time it is set by, ms; NaN: nothing was told since the last tick. */
  readonly offsetMs: number;
  readonly errMs: number;
}

const REFERENCE_AT = 0;
const REFERENCE = 1;
const TOLD = 2;

/**
 * A clock that runs away, long before it is wrong enough to keep its readings from proof: a dead time
 * source, a failing oscillator, or a hand on the clock.
 */
export const clockDrift: Detector<ClockAtTick> = {
  kind: 'CLOCK_DRIFT',
  /** When the offset was taken that later ones are held against; the offset; 1 while it drifts. */
  slots: 3,
  see({ nowMs, offsetMs, errMs }, memory, at, settings) {
    if (Number.isNaN(offsetMs)) return undefined;
    const elapsedMs = nowMs - memory[at + REFERENCE_AT]!;
    if (memory[at + REFERENCE_AT] !== 0 && elapsedMs < settings.clockDrift.hours * HOUR_MS) {
      return undefined;
    }
    const fromMs = memory[at + REFERENCE_AT]!;
    const changeMs = offsetMs - memory[at + REFERENCE]!;
    memory[at + REFERENCE_AT] = nowMs;
    memory[at + REFERENCE] = offsetMs;
    if (fromMs === 0) return undefined;
    const msPerHour =
      (Math.sign(changeMs) * Math.max(0, Math.abs(changeMs) - errMs) * HOUR_MS) / elapsedMs;
    const isDrifting = Math.abs(msPerHour) > settings.clockDrift.msPerHour;
    const wasTold = memory[at + TOLD] === 1;
    memory[at + TOLD] = isDrifting ? 1 : 0;
    if (!isDrifting || wasTold) return undefined;
    return { fromMs, detail: { msPerHour: Math.round(msPerHour), offsetMs } };
  },
};
