import { dustSeries } from './dust.ts';
import { parseWallTime, type Recording, type RecordingName } from './recordings/reader.ts';
import type { SeriesSpec } from './scenario.ts';
import { recordedSeries, type Series } from './series.ts';

/** Gives a recording by name; reads each file once however often it is played. */
export function recordingShelf(
  read: (name: RecordingName) => Recording,
): (name: RecordingName) => Recording {
  const held = new Map<RecordingName, Recording>();
  return (name) => {
    const recording = held.get(name) ?? read(name);
    held.set(name, recording);
    return recording;
  };
}

/** The function of time that a register plays. */
export function seriesOf(
  spec: SeriesSpec,
  anchorMs: number,
  recordingOf: (name: RecordingName) => Recording,
): Series {
  if (spec.kind === 'constant') return () => spec.value;
  if (spec.kind === 'dust') return dustSeries(spec);
  const recording = recordingOf(spec.recording);
  return recordedSeries({
    recording,
    column: spec.column,
    anchor: spec.anchor,
    fromWallMs: spec.from === undefined ? recording.wallMs[0]! : parseWallTime(spec.from),
    anchorMs,
    scale: spec.scale,
    offset: spec.offset,
  });
}
