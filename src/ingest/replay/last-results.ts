import type { ShiftResult } from '../../model/exposure.ts';
import type { ReplaySink } from './replay-journal.ts';

/** Shifts that start in `[fromMs, untilMs)`. */
export interface ShiftRange {
  readonly fromMs: number;
  readonly untilMs: number;
}

export const isInRange = ({ fromMs, untilMs }: ShiftRange, { subject }: KeptResult): boolean =>
  fromMs <= subject.shift.startMs && subject.shift.startMs < untilMs;

/** What is kept of a result: enough to tell it and to compare it. */
export type KeptResult = Pick<
  ShiftResult,
  | 'resultKey'
  | 'revision'
  | 'subject'
  | 'basis'
  | 'limit'
  | 'verdict'
  | 'caps'
  | 'window'
  | 'coverage'
  | 'certainAtMs'
  | 'resultHash'
>;

export interface LastResults extends ReplaySink {
  /** The last revision of each rule and shift, by `resultKey`. */
  readonly results: ReadonlyMap<string, KeptResult>;
}

/** Keeps the last revision of each shift in the range. */
export function keepLastResults(range: ShiftRange): LastResults {
  const results = new Map<string, KeptResult>();
  return {
    results,
    take(outputs) {
      for (const output of outputs) {
        if (output.kind !== 'result' || !isInRange(range, output.result)) continue;
        results.set(output.result.resultKey, kept(output.result));
      }
    },
    end: () => undefined,
  };
}

const kept = (result: ShiftResult): KeptResult => {
  const { resultKey, revision, subject, basis, limit, verdict } = result;
  const { caps, window, coverage, certainAtMs, resultHash } = result;
  return {
    ...{ resultKey, revision, subject, basis, limit, verdict },
    ...{ caps, window, coverage, certainAtMs, resultHash },
  };
};
