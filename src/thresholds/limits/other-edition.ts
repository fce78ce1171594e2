import type { JournalEntry } from '../../model/entry.ts';
import type { ShiftResult } from '../../model/exposure.ts';
import { createEngine } from '../engine.ts';
import type { EngineSettings } from '../engine-settings.ts';
import type { LimitSet } from './limit-set.ts';

/**
 * The last result of each shift and rule, by `resultKey`, if `limitSet` had judged throughout, whatever
 * set was activated. Nothing that was given is touched: it is another fold over the same journal.
 */
export function resultsUnder(
  limitSet: LimitSet,
  entries: Iterable<JournalEntry>,
  settings: EngineSettings,
): ReadonlyMap<string, ShiftResult> {
  const engine = createEngine(settings, limitSet);
  const last = new Map<string, ShiftResult>();
  for (const entry of entries) {
    if (entry.kind === 'fact' && entry.fact.entity === 'limits') continue;
    for (const output of engine.step(entry)) {
      if (output.kind === 'result') last.set(output.result.resultKey, output.result);
    }
  }
  return last;
}

/** A shift and rule on which two editions don't agree; absent: that edition has no such limit. */
export interface EditionDifference {
  readonly resultKey: string;
  readonly one?: ShiftResult;
  readonly other?: ShiftResult;
}

/** What the other edition would have said differently: another verdict, or by another number. */
export function compareEditions(
  one: ReadonlyMap<string, ShiftResult>,
  other: ReadonlyMap<string, ShiftResult>,
): readonly EditionDifference[] {
  return [...new Set([...one.keys(), ...other.keys()])].flatMap((resultKey) => {
    const a = one.get(resultKey);
    const b = other.get(resultKey);
    if (a?.verdict === b?.verdict && a?.limit.value === b?.limit.value) return [];
    return [{ resultKey, ...(a && { one: a }), ...(b && { other: b }) }];
  });
}
