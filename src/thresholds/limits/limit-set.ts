import { z } from 'zod';
import type { FactorId } from '../../model/ids.ts';
import { type AppliedLimit, IsoDate, type LimitKind, LimitRow, Unit } from '../../model/limits.ts';
import { HOUR_MS } from '../../model/time.ts';
import { checkRow, checkTogether } from './check-limits.ts';
import rows from './gbz-2019.json' with { type: 'json' };

/** A table of limits that was in force together, with the conventions that belong to it. */
export interface LimitSet {
  readonly id: string;
  readonly nameZh: string;
  readonly nameEn: string;
  readonly rows: readonly LimitRow[];
}

/** A row, and who confirmed it since the table was made. */
export interface RowInForce extends LimitRow {
  /** What was read for it: the reference of an administrator's confirmation. */
  readonly confirmation?: string;
}

const LimitSetFile = z.strictObject({
  id: z.string().min(1),
  nameZh: z.string().min(1),
  nameEn: z.string().min(1),
  /** Temperature of the molar volume that its ppm conversions use, °C. */
  molarVolumeC: z.literal(20),
  rows: z.array(LimitRow.superRefine(checkRow)).min(1).superRefine(checkTogether),
});

let loaded: LimitSet | undefined;

/**
 * GBZ 2.1-2019 with its amendments, and GBZ 2.2-2007 (noise, heat). Throws when the table shipped with
 * this build breaks one of its rules: that is a fault of the build.
 */
export function loadLimitSet(): LimitSet {
  loaded ??= parseLimitSet(rows);
  return loaded;
}

/** Checks a table; throws with every fault found. */
export const parseLimitSet = (file: unknown): LimitSet => LimitSetFile.parse(file);

const editions = new Map<string, LimitSet>();

/**
 * The shipped set of an id: `gbz-2019`, or an edition of it as it stood on a day, `gbz-2019@2020-04-01`,
 * of which nothing changes with time. Undefined: none of that id is known.
 */
export function findLimitSet(id: string): LimitSet | undefined {
  const set = loadLimitSet();
  if (id === set.id) return set;
  const known = editions.get(id);
  if (known !== undefined) return known;
  const [base, day] = id.split('@');
  if (base !== set.id || !IsoDate.safeParse(day).success || day === undefined) return undefined;
  const edition = editionOf(set, day);
  if (edition.rows.length > 0) editions.set(id, edition);
  return editions.get(id);
}

/** The table as it stood on a day: what came into force later isn't in it, what ended later stays. */
export function editionOf(set: LimitSet, day: string): LimitSet {
  const isIn = (row: LimitRow): boolean =>
    row.validFrom <= day && (row.validTo === null || day < row.validTo);
  return {
    id: `${set.id}@${day}`,
    nameZh: `${set.nameZh}，${day} 时`,
    nameEn: `${set.nameEn}, as on ${day}`,
    rows: set.rows.filter(isIn).map((row) => ({ ...row, validTo: null })),
  };
}

/** Limits are dated in Beijing time: a day in force starts at 16:00 UTC of the day before. */
const startOfDayMs = (isoDate: string): number => Date.parse(isoDate) - 8 * HOUR_MS;

const holdsAt = (row: LimitRow, atMs: number): boolean =>
  startOfDayMs(row.validFrom) <= atMs && (row.validTo === null || atMs < startOfDayMs(row.validTo));

function appliesAtAltitude(row: LimitRow, altitudeM: number): boolean {
  const band = row.altitudeM;
  if (band === null) return true;
  if (band.from !== undefined && band.from !== null && altitudeM < band.from) return false;
  if (band.above !== undefined && altitudeM <= band.above) return false;
  if (band.below !== undefined && altitudeM >= band.below) return false;
  return band.upToInclusive === undefined || altitudeM <= band.upToInclusive;
}

/** Where and when a limit is asked for. */
export interface LimitQuery {
  readonly factor: FactorId;
  readonly atMs: number;
  readonly altitudeM: number;
}

/** Rows of a factor in force at a time and an altitude. */
export const rowsInForce = (set: LimitSet, query: LimitQuery): readonly LimitRow[] =>
  rowsOfFactor(set, query.factor).filter(
    (row) => holdsAt(row, query.atMs) && appliesAtAltitude(row, query.altitudeM),
  );

const byFactor = new WeakMap<LimitSet, Map<string, LimitRow[]>>();

export function rowsOfFactor(set: LimitSet, factor: FactorId): readonly LimitRow[] {
  let index = byFactor.get(set);
  if (index === undefined) {
    index = Map.groupBy(set.rows, (row) => row.factor as string);
    byFactor.set(set, index);
  }
  return index.get(factor) ?? [];
}

/** Times in (fromMs, untilMs) at which a row of the factor starts or ends to hold, ascending. */
export function limitChanges(
  set: LimitSet,
  factor: FactorId,
  fromMs: number,
  untilMs: number,
): readonly number[] {
  const times = rowsOfFactor(set, factor).flatMap(({ validFrom, validTo }) =>
    (validTo === null ? [validFrom] : [validFrom, validTo]).map(startOfDayMs),
  );
  return [...new Set(times)].filter((at) => fromMs < at && at < untilMs).sort((a, b) => a - b);
}

/** Whether a kind's number and the day it came into force were read in a source that quotes the law. */
export const isConfirmed = (row: LimitRow, kind: LimitKind): boolean =>
  row.confirmed &&
  row.validFromNote === undefined &&
  !(row.unconfirmedKinds?.includes(kind) ?? false);

/** The limit of a row as results print it; undefined: the row has none, or not in an online unit. */
export function appliedLimit(row: RowInForce, kind: LimitKind): AppliedLimit | undefined {
  const limit = row.limits.find((candidate) => candidate.kind === kind);
  const unit = Unit.safeParse(limit?.unit);
  if (limit === undefined || !unit.success) return undefined;
  return {
    factor: row.factor,
    kind,
    value: limit.value,
    unit: unit.data,
    standard: row.edition,
    clause: row.clause,
    force: row.force,
    confirmed: isConfirmed(row, kind),
    ...(row.confirmation === undefined ? {} : { confirmation: row.confirmation }),
  };
}
