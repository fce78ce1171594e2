import type { MinuteCellSummary } from '../model/exposure.ts';
import type { ChannelRef, MetricProfile } from '../model/facts.ts';
import { MINUTE_MS } from '../model/time.ts';
import { CELL_SECONDS, type MinuteCell } from './minute-cell.ts';
import { energyOf } from './quantity.ts';
import { isNormalValue, NONE } from './second-state.ts';

/**
 * A minute for charts: mean (energy mean for levels) and maximum of the normal values inside the range,
 * also where a certificate or a mark keeps them from being proof.
 */
export function cellSummary(
  channel: ChannelRef,
  cell: MinuteCell,
  profile: MetricProfile,
): MinuteCellSummary {
  const isLevel = profile.unit === 'dB(A)';
  const { states, values } = cell;
  const [bottom, top] = profile.range;
  let sum = 0;
  let covered = 0;
  let excluded = 0;
  let max = Number.NEGATIVE_INFINITY;
  for (let second = 0; second < CELL_SECONDS; second++) {
    const state = states[second]!;
    if (state === NONE) continue;
    const value = values[second]!;
    if (!isNormalValue[state] || value < bottom || value > top) {
      excluded++;
      continue;
    }
    covered++;
    sum += isLevel ? energyOf(value) : value;
    if (value > max) max = value;
  }
  const mean = covered === 0 ? null : sum / covered;
  return {
    channel,
    minuteMs: cell.minute * MINUTE_MS,
    unit: profile.unit,
    mean: mean !== null && isLevel ? 10 * Math.log10(mean) : mean,
    max: covered === 0 ? null : max,
    coveredSeconds: covered,
    excludedSeconds: excluded,
  };
}
