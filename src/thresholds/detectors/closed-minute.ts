import type { MinuteCellSummary } from '../../model/exposure.ts';
import type { MetricProfile } from '../../model/facts.ts';
import type { Unit } from '../../model/limits.ts';
import { CELL_SECONDS, type MinuteCell } from '../minute-cell.ts';
import { isNormalValue } from '../second-state.ts';
import type { MonitoredQuantity } from './detector.ts';

/** A closed minute of a channel as the detectors see it. */
export interface ClosedMinute {
  readonly minute: number;
  readonly quantity: MonitoredQuantity;
  /** Of the normal values inside the range (levels: energy mean); NaN: there were none. */
  readonly mean: number;
  readonly max: number;
  /** Mean of the minute just before; NaN: it had none. */
  readonly before: number;
  /** Seconds with a value flagged normal that the instrument can't measure. */
  readonly outOfRange: number;
  /**
   * The size of the step, in the metric's unit, that a sensor of its T90 would have to be given to change
   * as fast as the values of the minute do; 0: no T90 is told, or a step within the range is enough.
   */
  readonly stepNeeded: number;
  readonly range: readonly [number, number];
  readonly lod: number;
}

const QUANTITY: Readonly<Partial<Record<Unit, MonitoredQuantity>>> = {
  'dB(A)': 'level',
  degC: 'heat',
  'mg/m3': 'concentration',
  'ug/m3': 'concentration',
  'ng/m3': 'concentration',
  ppm: 'concentration',
};

/** Undefined: counts, ratios and what nobody knows the unit of are not watched. */
export const monitoredQuantity = (unit: Unit): MonitoredQuantity | undefined => QUANTITY[unit];

/** What the detectors see of a cell; `summary` is the one made of it for the charts. */
export function closedMinute(
  cell: MinuteCell,
  summary: MinuteCellSummary,
  profile: MetricProfile,
  before: number,
): ClosedMinute | undefined {
  const quantity = monitoredQuantity(profile.unit);
  if (quantity === undefined) return undefined;
  const hasT90 = quantity === 'concentration' && profile.t90S > 0;
  return {
    minute: cell.minute,
    quantity,
    mean: summary.mean ?? Number.NaN,
    max: summary.max ?? Number.NaN,
    before,
    outOfRange: summary.excludedSeconds === 0 ? 0 : outOfRangeSeconds(cell, profile.range),
    stepNeeded: hasT90 ? stepNeeded(cell, profile) : 0,
    range: profile.range,
    lod: profile.lod,
  };
}

function outOfRangeSeconds(cell: MinuteCell, [bottom, top]: readonly [number, number]): number {
  let count = 0;
  for (let second = 0; second < CELL_SECONDS; second++) {
    if (!isNormal(cell, second)) continue;
    const value = cell.values[second]!;
    if (value < bottom || value > top) count++;
  }
  return count;
}

const isNormal = (cell: MinuteCell, second: number): boolean =>
  isNormalValue[cell.states[second]!]!;

/**
 * A first-order sensor comes 1 − 10^(−t/T90) of its way in a time t. How long a value stood before it
 * changed is that time: instrument means of 10 s may change more than readings of 1 s.
 */
function stepNeeded(cell: MinuteCell, { t90S, range: [bottom, top] }: MetricProfile): number {
  // What not even a change within one second would make too much needs no closer look.
  const harmless = (top - bottom) * (1 - 10 ** (-1 / t90S));
  let largest = 0;
  let stood = 0;
  for (let second = 1; second < CELL_SECONDS; second++) {
    const value = cell.values[second]!;
    const last = cell.values[second - 1]!;
    stood++;
    if (value === last) continue;
    const change = Math.abs(value - last);
    if (change > harmless && isReadable(cell, second, bottom, top)) {
      largest = Math.max(largest, change / (1 - 10 ** (-stood / t90S)));
    }
    stood = 0;
  }
  return largest;
}

/** Whether the second and the one before hold normal values inside the range. */
function isReadable(cell: MinuteCell, second: number, bottom: number, top: number): boolean {
  for (const at of [second - 1, second]) {
    const value = cell.values[at]!;
    if (!isNormal(cell, at) || value < bottom || value > top) return false;
  }
  return true;
}
