import type { Frame } from '../model/batch.ts';
import type { Flag } from '../model/flags.ts';
import type { DeviceId, MetricName } from '../model/ids.ts';
import type { Reading } from './decode.ts';

/** The true midpoint of a reading is told when it is further than this from the grid. */
const READ_AT_MS_MIN = 100;

/** Readings of one device for the span `(atMs − spanMs, atMs]`; `readAtMs` null: nothing was read. */
export function frameOf(
  device: DeviceId,
  time: { readonly atMs: number; readonly spanMs: number; readonly readAtMs: number | null },
  readings: ReadonlyMap<MetricName, Reading>,
): Frame {
  const { atMs, spanMs, readAtMs } = time;
  const values: Record<MetricName, number | null> = {};
  const flags: Record<MetricName, Flag> = {};
  let flagged = false;
  for (const [metric, { value, flag }] of readings) {
    values[metric] = value;
    if (flag === 'N') continue;
    flags[metric] = flag;
    flagged = true;
  }
  const isOff = readAtMs !== null && Math.abs(readAtMs - atMs) > READ_AT_MS_MIN;
  return {
    device,
    at: atMs,
    spanMs,
    ...(isOff ? { readAt: readAtMs } : {}),
    values,
    ...(flagged ? { flags } : {}),
  };
}
