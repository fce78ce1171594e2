import { certificateExpired } from './certificate-expired.ts';
import { flatLine } from './flat-line.ts';
import { identicalNeighbours } from './identical-neighbours.ts';
import { jump } from './jump.ts';
import { outOfRange } from './out-of-range.ts';
import { productionGap } from './production-gap.ts';
import { silence } from './silence.ts';
import { varianceCollapse } from './variance-collapse.ts';

/** What every detector may ask of a channel's minute before: its number, mean and maximum. */
export const LAST_MINUTE = 0;
export const LAST_MEAN = 1;
export const LAST_MAX = 2;
const SHARED_SLOTS = 3;

/** Where each detector's numbers begin in a channel's record. */
const starts = startsOf({
  flatLine,
  jump,
  varianceCollapse,
  outOfRange,
  identicalNeighbours,
  productionGap,
  silence,
  certificateExpired,
});
export const SLOT = starts.at;

/** Numbers kept of a channel: 8 bytes each, whatever the detectors see. */
export const CHANNEL_SLOTS = starts.end;

function startsOf<K extends string>(
  detectors: Readonly<Record<K, { readonly slots: number }>>,
): { readonly at: Readonly<Record<K, number>>; readonly end: number } {
  let end = SHARED_SLOTS;
  const at = {} as Record<K, number>;
  for (const name of Object.keys(detectors) as K[]) {
    at[name] = end;
    end += detectors[name].slots;
  }
  return { at, end };
}

/** Numbers of the detectors, `CHANNEL_SLOTS` for each channel, by its index. */
export interface MonitorMemory {
  numbers: Float64Array;
}

export const createMonitorMemory = (): MonitorMemory => ({ numbers: new Float64Array(0) });

/** Where a channel's record begins; makes room for it. */
export function recordOf(memory: MonitorMemory, index: number): number {
  const at = index * CHANNEL_SLOTS;
  if (at >= memory.numbers.length) {
    const grown = new Float64Array(Math.max(16, 2 * (index + 1)) * CHANNEL_SLOTS);
    grown.set(memory.numbers);
    memory.numbers = grown;
  }
  return at;
}
