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
    if (!isForOtherEdition(entry)) continue;
    for (const output of engine.step(entry)) {
      if (output.kind === 'result') last.set(output.result.resultKey, output.result);
    }
  }
  return last;
}

/** What is folded under another edition: all but the facts that name which one judges. */
export const isForOtherEdition = (entry: JournalEntry): boolean =>
  entry.kind !== 'fact' || entry.fact.entity !== 'limits';

type Judged = Pick<ShiftResult, 'verdict' | 'limit'>;

/** A shift and rule on which two editions don't agree; absent: that edition has no such limit. */
export interface EditionDifference<R extends Judged> {
  readonly resultKey: string;
  readonly one?: R;
  readonly other?: R;
}

/** What the other edition would have said differently: another verdict, or by another number. */
export function compareEditions<R extends Judged>(
  one: ReadonlyMap<string, R>,
  other: ReadonlyMap<string, R>,
): readonly EditionDifference<R>[] {
  return [...new Set([...one.keys(), ...other.keys()])].flatMap((resultKey) => {
    const a = one.get(resultKey);
    const b = other.get(resultKey);
    if (a?.verdict === b?.verdict && a?.limit.value === b?.limit.value) return [];
    return [{ resultKey, ...(a && { one: a }), ...(b && { other: b }) }];
  });
}
