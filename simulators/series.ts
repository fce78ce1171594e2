import { DAY_MS } from '../src/model/time.ts';
import type { Recording } from './recordings/reader.ts';
import { wallMsOf } from './wall-time.ts';

/** What a sensor measures at a UTC time, in the series' unit; null: nothing was recorded there. */
export type Series = (timeMs: number) => number | null;

export interface RecordedSeries {
  readonly recording: Recording;
  readonly column: string;
  /**
   * `time-of-day`: wall times of the scenario play the same wall times of the recording, of the 24
   * h that start at `fromWallMs`. `start`: the row at `fromWallMs` plays at the anchor time.
   */
  readonly anchor: 'time-of-day' | 'start';
  /** Wall time of the row to begin with. */
  readonly fromWallMs: number;
  /** First virtual time of the scenario, UTC ms. */
  readonly anchorMs: number;
  readonly scale: number;
  readonly offset: number;
}

const modulo = (value: number, by: number): number => ((value % by) + by) % by;

/** Index of the last time at or before `timeMs`; −1: none. */
function lastAtOrBefore(timesMs: Float64Array, timeMs: number): number {
  let low = 0;
  let high = timesMs.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (timesMs[middle]! <= timeMs) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/**
 * The recorded value at a wall time of the recording, linear between neighbours. Null where a
 * neighbour is missing or the rows are further apart than the recording's step allows.
 */
export function recordedAt(recording: Recording, column: string, wallMs: number): number | null {
  const values = recording.columns[column];
  if (values === undefined) throw new Error(`Cannot play ${recording.name}: no column ${column}`);
  const index = lastAtOrBefore(recording.wallMs, wallMs);
  const before = values[index];
  if (before === undefined || Number.isNaN(before)) return null;
  const beforeMs = recording.wallMs[index]!;
  // The last row holds for one step, until the recording begins again.
  if (index === values.length - 1) return wallMs < beforeMs + recording.stepMs ? before : null;
  const afterMs = recording.wallMs[index + 1]!;
  const after = values[index + 1]!;
  if (wallMs === beforeMs) return before;
  if (afterMs - beforeMs > recording.gapMsMax || Number.isNaN(after)) return null;
  return before + ((after - before) * (wallMs - beforeMs)) / (afterMs - beforeMs);
}

/**
 * Plays a recording: `value × scale + offset`. It begins again at `fromWallMs` when it ends; played
 * by time of day it holds at most one day.
 */
export function recordedSeries(spec: RecordedSeries): Series {
  const { recording, column, fromWallMs, scale, offset } = spec;
  const endMs = recording.wallMs[recording.wallMs.length - 1]! + recording.stepMs;
  const lengthMs = endMs - fromWallMs;
  if (fromWallMs < recording.wallMs[0]! || lengthMs <= 0) {
    throw new Error(`Cannot play ${recording.name}: its rows do not reach the one to begin with`);
  }
  const sinceStart =
    spec.anchor === 'start'
      ? (timeMs: number) => timeMs - spec.anchorMs
      : (timeMs: number) => modulo(wallMsOf(timeMs) - fromWallMs, DAY_MS);
  return (timeMs) => {
    const value = recordedAt(recording, column, fromWallMs + modulo(sinceStart(timeMs), lengthMs));
    return value === null ? null : value * scale + offset;
  };
}
