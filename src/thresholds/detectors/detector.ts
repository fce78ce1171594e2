import type { MonitorKind } from '../../model/exposure.ts';
import type { DetectorSettings } from './settings.ts';

/** Sorts of quantity that are alike in how they may change. */
export type MonitoredQuantity = 'level' | 'heat' | 'concentration';

/** What a detector found, the first time it does; it tells again only after what it found has ended. */
export interface Found {
  /** Since when, UTC ms. */
  readonly fromMs: number;
  readonly detail: Readonly<Record<string, string | number>>;
}

/**
 * One way in which a sensor, a gateway or a person shows that the data are not what they say. A detector
 * keeps `slots` numbers of what it watches, at `at` in `memory`, all 0 at first, and nothing else; it
 * sees closed minutes or ticks only, and no clock.
 */
export interface Detector<Seen> {
  readonly kind: MonitorKind;
  readonly slots: number;
  see(seen: Seen, memory: Float64Array, at: number, settings: DetectorSettings): Found | undefined;
}

/** Relative; sums of the same readings over 59 or 60 seconds differ in their last bits. */
const SAME = 1e-9;

export const isSame = (a: number, b: number): boolean =>
  Math.abs(a - b) <= SAME * Math.max(1, Math.abs(a), Math.abs(b));
