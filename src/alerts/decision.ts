import { canonicalJson } from '../model/digest.ts';
import type { ShiftResult, Signal } from '../model/exposure.ts';
import { findEntry, type Ledger, type LedgerEntry } from './ledger.ts';

/**
 * A bound that moved by less than this share of the limit makes no revision (design §5, Lateness).
 */
export const BOUND_MOVED_MIN = 0.01;

/**
 * What a signal means for the clue. `accept` and `contradict` make something to send; `park` keeps
 * the shift with the reasons against it; `drop` forgets a shift that never left.
 */
export type Decision =
  | { readonly do: 'nothing'; readonly reason: string }
  | { readonly do: 'accept'; readonly change: 'first-fit' | 'verdict' | 'bound' }
  | {
      readonly do: 'park' | 'contradict' | 'drop';
      readonly reasons: readonly string[];
    };

type OverLimit = Extract<Signal, { kind: 'OVER_LIMIT' }>;

const isParked = (entry: LedgerEntry): boolean => !entry.standing && entry.releasedIn === null;

/** An exceedance was seen, or seen anew with other content; `reasons` stand against a push. */
export function decideOverLimit(
  ledger: Ledger,
  { result }: OverLimit,
  reasons: readonly string[],
): Decision {
  const known = findEntry(ledger, result.resultKey);
  if (reasons.length === 0) {
    const change = changeOf(known, result);
    return change === null ? { do: 'nothing', reason: 'no-change' } : { do: 'accept', change };
  }
  if (known === undefined) {
    return { do: mayHaveLeft(ledger, result) ? 'contradict' : 'park', reasons };
  }
  if (isParked(known)) {
    const same = canonicalJson(known.reasons) === canonicalJson(reasons);
    return same ? { do: 'nothing', reason: 'parked-already' } : { do: 'park', reasons };
  }
  if (!known.standing) return { do: 'nothing', reason: 'does-not-stand-already' };
  return { do: known.releasedIn === null ? 'park' : 'contradict', reasons };
}

/** The exceedance does not hold any more. */
export function decideWithdrawn(ledger: Ledger, result: ShiftResult): Decision {
  const known = findEntry(ledger, result.resultKey);
  const reasons = [`verdict-${result.verdict}`];
  if (known === undefined) {
    return mayHaveLeft(ledger, result)
      ? { do: 'contradict', reasons }
      : { do: 'nothing', reason: 'not-in-clue' };
  }
  if (known.releasedIn === null) return { do: 'drop', reasons };
  return known.standing
    ? { do: 'contradict', reasons }
    : { do: 'nothing', reason: 'does-not-stand-already' };
}

/** No later than a shift that was told and left: it was told itself, so the contrary must be too. */
const mayHaveLeft = ({ droppedThroughMs }: Ledger, { subject }: ShiftResult): boolean =>
  droppedThroughMs !== null && subject.shift.startMs <= droppedThroughMs;

function changeOf(
  known: LedgerEntry | undefined,
  result: ShiftResult,
): 'first-fit' | 'verdict' | 'bound' | null {
  if (known === undefined || isParked(known)) return 'first-fit';
  if (!known.standing || known.result.verdict !== result.verdict) return 'verdict';
  if (known.result.resultHash === result.resultHash) return null;
  const movedBy = Math.abs(result.window.lowerBound - known.result.window.lowerBound);
  const limit = result.limit.value;
  // A rounding error must not decide whether exactly 1 % counts.
  return movedBy >= BOUND_MOVED_MIN * limit - 1e-9 * limit || known.result.limit.value !== limit
    ? 'bound'
    : null;
}
