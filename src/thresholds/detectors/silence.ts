import { MINUTE_MS } from '../../model/time.ts';
import type { Detector } from './detector.ts';

/** A tick, and what has come of a channel by then. */
export interface ChannelAtTick {
  readonly nowMs: number;
  /** Journaled time of its last datum. */
  readonly lastReceivedAtMs: number;
  /** Event time of its newest datum. */
  readonly watermarkMs: number;
}

/** Nothing comes any more: no power, no network, or a plug pulled. */
export const silence: Detector<ChannelAtTick> = {
  kind: 'SILENCE',
  /** `lastReceivedAtMs` of the silence told last. */
  slots: 1,
  see({ nowMs, lastReceivedAtMs, watermarkMs }, memory, at, settings) {
    if (nowMs - lastReceivedAtMs < settings.silence.minutes * MINUTE_MS) return undefined;
    if (memory[at] === lastReceivedAtMs) return undefined;
    memory[at] = lastReceivedAtMs;
    const minutes = Math.floor((nowMs - lastReceivedAtMs) / MINUTE_MS);
    return { fromMs: watermarkMs, detail: { minutes } };
  },
};
