import { MINUTE_MS } from '../../model/time.ts';
import type { Detector } from './detector.ts';

/** A closed minute of a post's production signal, and what a hazard's channel has shown by then. */
export interface ProductionMinute {
  readonly minute: number;
  readonly isProducing: boolean;
  /** Last minute of the hazard's channel with a normal value; 0: none. */
  readonly lastSeenMinute: number;
}

const MINUTES = 0;
const LAST_SEEN = 1;

/**
 * Nothing is measured just while the post produces: the sensor is switched off, or flagged as under
 * maintenance, for as long as it would have something to say.
 */
export const productionGap: Detector<ProductionMinute> = {
  kind: 'PRODUCTION_GAP',
  /** Minutes of production without a value (negative once told), the last minute with one. */
  slots: 2,
  see({ minute, isProducing, lastSeenMinute }, memory, at, settings) {
    const { minutes: minutesMin, lagMinutes } = settings.productionGap;
    if (memory[at + LAST_SEEN] !== lastSeenMinute) {
      memory[at + LAST_SEEN] = lastSeenMinute;
      memory[at + MINUTES] = 0;
    }
    if (!isProducing || memory[at + MINUTES]! < 0 || minute - lastSeenMinute <= lagMinutes) {
      return undefined;
    }
    const minutes = memory[at + MINUTES]! + 1;
    memory[at + MINUTES] = minutes;
    if (minutes < minutesMin) return undefined;
    memory[at + MINUTES] = -minutes;
    return { fromMs: (lastSeenMinute + 1) * MINUTE_MS, detail: { minutes } };
  },
};
