import type { LimitConfirmation } from '../../model/facts.ts';
import type { FactorId } from '../../model/ids.ts';
import type { AppliedLimit, LimitKind, LimitRow } from '../../model/limits.ts';
import { type RegistryHistory, valueAt, versionsOf } from '../registry-history.ts';
import {
  appliedLimit,
  findLimitSet,
  isConfirmed,
  type LimitSet,
  limitChanges,
  type RowInForce,
  rowsInForce,
  rowsOfFactor,
} from './limit-set.ts';

/** What the law says of a factor at a place from a time on. */
export interface LawFrom {
  readonly fromMs: number;
  readonly rows: readonly RowInForce[];
  /**
   * Confirmed rows that an unconfirmed one of `rows` replaced. Until somebody has read the new one, what
   * exceeds both may be said to exceed the old.
   */
  readonly replaced: readonly RowInForce[];
}

export interface LawQuery {
  readonly factor: FactorId;
  readonly altitudeM: number;
  readonly startMs: number;
  readonly endMs: number;
}

/**
 * The law over a span, by the limit sets activated and the confirmations known; the first holds at its
 * start. `initial` judges until a set was activated; a set that isn't known has no limits.
 */
export function lawOver(
  history: RegistryHistory,
  initial: LimitSet,
  { factor, altitudeM, startMs, endMs }: LawQuery,
): readonly LawFrom[] {
  const isInside = (atMs: number): boolean => startMs < atMs && atMs < endMs;
  const activations = versionsOf(history, 'limits', 'limits').map(({ validFromMs }) => validFromMs);
  const sets = new Set([startMs, ...activations].map((atMs) => setAt(history, initial, atMs)));
  const changes = [...sets].flatMap((set) =>
    set === undefined ? [] : limitChanges(set, factor, startMs, endMs),
  );
  const confirmed = confirmationTimes(history, factor, sets);
  const times = [...changes, ...[...activations, ...confirmed].filter(isInside)];
  return [...new Set([startMs, ...times])]
    .sort((a, b) => a - b)
    .map((fromMs) =>
      lawAt(history, setAt(history, initial, fromMs), { factor, altitudeM, fromMs }),
    );
}

function setAt(history: RegistryHistory, initial: LimitSet, atMs: number): LimitSet | undefined {
  const activation = valueAt(history, 'limits', 'limits', atMs);
  if (activation === undefined || activation.set === initial.id) return initial;
  return findLimitSet(activation.set);
}

function lawAt(
  history: RegistryHistory,
  set: LimitSet | undefined,
  { factor, altitudeM, fromMs }: { factor: FactorId; altitudeM: number; fromMs: number },
): LawFrom {
  if (set === undefined) return { fromMs, rows: [], replaced: [] };
  const rows = rowsInForce(set, { factor, atMs: fromMs, altitudeM }).map((row) =>
    withConfirmations(row, history, fromMs),
  );
  const replaced = rows.flatMap((row) =>
    rowsOfFactor(set, factor).filter(
      ({ id, validTo }) => id === row.id && validTo === row.validFrom,
    ),
  );
  return { fromMs, rows, replaced: replaced.map((row) => withConfirmations(row, history, fromMs)) };
}

/** The row with what administrators have read for it by then. */
function withConfirmations(row: LimitRow, history: RegistryHistory, atMs: number): RowInForce {
  let known: RowInForce = row;
  for (const id of history.versions.limitConfirmation.keys()) {
    const confirmation = valueAt(history, 'limitConfirmation', id, atMs);
    if (confirmation !== undefined && isOf(confirmation, row)) known = confirm(known, confirmation);
  }
  return known;
}

const isOf = ({ row, rowValidFrom }: LimitConfirmation, { id, validFrom }: LimitRow): boolean =>
  row === id && rowValidFrom === validFrom;

/** The row with the kinds of the confirmation confirmed; what was confirmed stays so. */
export function confirm(row: RowInForce, { kinds, reference }: LimitConfirmation): RowInForce {
  const all = row.limits.map(({ kind }) => kind);
  const read = kinds ?? all;
  const unconfirmedKinds = all.filter((kind) => !isConfirmed(row, kind) && !read.includes(kind));
  const news = read.some((kind) => all.includes(kind) && !isConfirmed(row, kind));
  // Who read the row in the standard read its day there, too.
  const { validFromNote: _, ...dated } = row;
  return news
    ? {
        ...dated,
        confirmed: unconfirmedKinds.length < all.length,
        unconfirmedKinds,
        confirmation: row.confirmation ? `${row.confirmation}; ${reference}` : reference,
      }
    : row;
}

/** When confirmations of the factor's rows begin or end to hold. */
function confirmationTimes(
  { versions }: RegistryHistory,
  factor: FactorId,
  sets: ReadonlySet<LimitSet | undefined>,
): readonly number[] {
  if (versions.limitConfirmation.size === 0) return [];
  const rows = [...sets].flatMap((set) => (set === undefined ? [] : rowsOfFactor(set, factor)));
  return [...versions.limitConfirmation.values()].flatMap((ofId) =>
    ofId.some(({ value }) => value !== null && rows.some((row) => isOf(value, row)))
      ? ofId.map(({ validFromMs }) => validFromMs)
      : [],
  );
}

/**
 * The limit that a replaced, confirmed row still allows to accuse by; undefined: the limit in force is
 * confirmed itself, or is not the stricter one, so that to exceed the old would prove nothing.
 */
export function provenLimit(
  { replaced }: Pick<LawFrom, 'replaced'>,
  kind: LimitKind,
  inForce: AppliedLimit,
): AppliedLimit | undefined {
  if (inForce.confirmed) return undefined;
  return replaced
    .flatMap((row) => appliedLimit(row, kind) ?? [])
    .find(
      ({ confirmed, value, unit }) => confirmed && unit === inForce.unit && value >= inForce.value,
    );
}
