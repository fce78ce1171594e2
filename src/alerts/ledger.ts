import type { ShiftResult } from '../model/exposure.ts';

/** Shifts kept in a clue; older ones leave it once they were released, and are only counted. */
export const SHIFTS_KEPT = 30;

/** What the registry said of the place when a signal was taken. */
export interface CluePlace {
  readonly enterpriseName: string;
  readonly timeZone: string;
  readonly postName: string;
  readonly exposedWorkers: number;
  readonly location: string;
}

export interface PackageRef {
  readonly packageId: string;
  readonly sm3: string;
  readonly bytes: number;
}

/** What a clue keeps of a result; the whole of it is in the package. */
export type KeptResult = Omit<ShiftResult, 'excludedSeconds' | 'caps' | 'inputHash'>;

/** What a revision says of one shift. */
export interface ToldShift {
  readonly result: KeptResult;
  /** Null: parked, nothing was put together. */
  readonly evidence: PackageRef | null;
  /** Whether the exceedance stands and is fit to push; false: contrary evidence. */
  readonly standing: boolean;
  /** Why it doesn't stand. */
  readonly reasons: readonly string[];
}

/**
 * One shift of a clue, as last accepted. A parked one doesn't stand, waits for nothing and was
 * never released.
 */
export interface LedgerEntry extends ToldShift {
  readonly dueAtMs: number;
  /** Latest revision released with this shift in it; null: never released. */
  readonly releasedIn: number | null;
  /** Whether what is accepted now has not been released yet. */
  readonly unsent: boolean;
  /** What was released of it last, while something newer waits for its own time. */
  readonly toldAs?: ToldShift;
}

/**
 * The shifts of one clue by start. Each waits for its own time: a shift that is not yet due must
 * neither go out with an older one nor hold it back.
 */
export interface Ledger {
  readonly place: CluePlace;
  readonly entries: readonly LedgerEntry[];
  /** Number of the last revision released; 0: none. */
  readonly released: number;
  /**
   * Start of the latest released shift that left because there were more than are kept, UTC ms;
   * null: none left.
   */
  readonly droppedThroughMs: number | null;
}

export const emptyLedger = (place: CluePlace): Ledger => ({
  place,
  entries: [],
  released: 0,
  droppedThroughMs: null,
});

export const findEntry = (ledger: Ledger, resultKey: string): LedgerEntry | undefined =>
  ledger.entries.find((entry) => entry.result.resultKey === resultKey);

export function putEntry(ledger: Ledger, entry: LedgerEntry): Ledger {
  const others = ledger.entries.filter(({ result }) => result.resultKey !== entry.result.resultKey);
  const entries = [...others, entry].sort(
    (a, b) =>
      a.result.subject.shift.startMs - b.result.subject.shift.startMs ||
      (a.result.resultKey < b.result.resultKey ? -1 : 1),
  );
  return trim({ ...ledger, entries });
}

export const removeEntry = (ledger: Ledger, resultKey: string): Ledger => ({
  ...ledger,
  entries: ledger.entries.filter(({ result }) => result.resultKey !== resultKey),
});

function trim(ledger: Ledger): Ledger {
  let over = ledger.entries.length - SHIFTS_KEPT;
  if (over <= 0) return ledger;
  let { droppedThroughMs } = ledger;
  const entries = ledger.entries.filter((entry) => {
    if (over === 0 || entry.unsent) return true;
    over -= 1;
    if (entry.releasedIn !== null) {
      droppedThroughMs = Math.max(droppedThroughMs ?? 0, entry.result.subject.shift.startMs);
    }
    return false;
  });
  return { ...ledger, entries, droppedThroughMs };
}

/** The result without what only the package needs. */
export function keptResult(result: ShiftResult): KeptResult {
  const { excludedSeconds: _seconds, caps: _caps, inputHash: _hash, ...kept } = result;
  return kept;
}

/** When the next unsent shift is due; null: everything was released. */
export const nextDueMs = (ledger: Ledger): number | null =>
  ledger.entries.reduce<number | null>(
    (next, entry) =>
      entry.unsent && (next === null || entry.dueAtMs < next) ? entry.dueAtMs : next,
    null,
  );

/** What the clue is shown by: the shifts that are told or wait; all of them while none is fit. */
export function shownEntries(ledger: Ledger): readonly LedgerEntry[] {
  const fit = ledger.entries.filter(({ unsent, releasedIn }) => unsent || releasedIn !== null);
  return fit.length > 0 ? fit : ledger.entries;
}

/** What was released of a shift last; undefined: nothing. To be kept while something newer waits. */
export function toldOf(entry: LedgerEntry | undefined): ToldShift | undefined {
  if (entry === undefined || entry.releasedIn === null) return undefined;
  const { result, evidence, standing, reasons } = entry;
  return entry.unsent ? entry.toldAs : { result, evidence, standing, reasons };
}

/**
 * Takes what is due at `nowMs`: the shifts that a revision now tells (those due and those told
 * before, as they were told) and, of them, the ones that it tells for the first time. Null: nothing
 * is due.
 */
export function releaseDue(
  ledger: Ledger,
  nowMs: number,
): { ledger: Ledger; told: readonly ToldShift[]; fresh: readonly ToldShift[] } | null {
  const due = (entry: LedgerEntry): boolean => entry.unsent && entry.dueAtMs <= nowMs;
  if (!ledger.entries.some(due)) return null;
  const revision = ledger.released + 1;
  const told: ToldShift[] = [];
  const entries = ledger.entries.map((entry): LedgerEntry => {
    const { toldAs, ...accepted } = entry;
    if (due(entry)) {
      told.push(accepted);
      return { ...accepted, unsent: false, releasedIn: revision };
    }
    const before = toldOf(entry);
    if (before === undefined) return entry;
    told.push(before);
    return { ...entry, releasedIn: revision };
  });
  const fresh = ledger.entries.filter(due);
  return { told, fresh, ledger: { ...ledger, released: revision, entries } };
}
