import type { Post } from '../model/facts.ts';
import type { FactorId } from '../model/ids.ts';
import type { AppliedLimit, LimitKind, LimitRow } from '../model/limits.ts';
import { type LawFrom, lawOver, provenLimit } from './limits/law.ts';
import { appliedLimit, type LimitSet } from './limits/limit-set.ts';
import type { WbgtRows } from './limits/wbgt-limit.ts';
import { PEAK_MULTIPLE } from './peak.ts';
import { type RegistryHistory, remembered } from './registry-history.ts';
import type { CompanionLimits, InputLimit } from './rule-inputs.ts';
import type { ShiftInstance } from './shift.ts';

/** What the law says of a factor through a shift, at the post's altitude. */
export const lawThrough = (
  history: RegistryHistory,
  limitSet: LimitSet,
  factor: FactorId,
  { altitudeM }: Post,
  { startMs, endMs }: ShiftInstance,
): readonly LawFrom[] =>
  remembered(history, `law ${factor} ${altitudeM} ${startMs} ${endMs}`, () =>
    lawOver(history, limitSet, { factor, altitudeM, startMs, endMs }),
  );

/** The row that a kind's limit stands in; undefined: there is none through the shift. */
export const rowOfKind = (rowsAt: readonly LawFrom[], kind: LimitKind): LimitRow | undefined => {
  const wanted = kind === 'PEAK' ? 'PC_TWA' : kind;
  return rowsAt
    .flatMap(({ rows }) => rows)
    .find(({ limits }) => limits.some((limit) => limit.kind === wanted));
};

/** Limits of a kind through a shift; of the WBGT table, the strictest of the post's column. */
export function limitsThrough(
  rowsAt: readonly LawFrom[],
  kind: LimitKind,
  wbgtRows: WbgtRows,
): readonly InputLimit[] {
  const key = `${kind} ${wbgtRows.at(-1)?.valueC}`;
  const known = limitsOfLaw.get(rowsAt)?.get(key);
  if (known !== undefined) return known;
  const limits = readLimits(rowsAt, kind, wbgtRows);
  limitsOfLaw.set(rowsAt, (limitsOfLaw.get(rowsAt) ?? new Map()).set(key, limits));
  return limits;
}

/** Limits by the law that they were read from: posts under one law share them. */
const limitsOfLaw = new WeakMap<readonly LawFrom[], Map<string, readonly InputLimit[]>>();

const readLimits = (
  rowsAt: readonly LawFrom[],
  kind: LimitKind,
  wbgtRows: WbgtRows,
): readonly InputLimit[] =>
  rowsAt.map((law) => {
    const { fromMs } = law;
    const limit = limitOf(law.rows, kind, wbgtRows);
    const proven = limit === null ? undefined : provenLimit(law, kind, limit);
    return proven === undefined ? { fromMs, limit } : { fromMs, limit, proven };
  });

function limitOf(
  rows: readonly LimitRow[],
  kind: LimitKind,
  wbgtRows: WbgtRows,
): AppliedLimit | null {
  if (kind === 'PEAK') return peakLimit(rows);
  const limit = rows.flatMap((row) => appliedLimit(row, kind) ?? [])[0];
  if (limit === undefined) return null;
  const strictestC = wbgtRows.at(-1)?.valueC;
  return strictestC === undefined ? limit : { ...limit, value: strictestC };
}

/** 3 × PC-TWA of a factor without PC-STEL (GBZ 2.1-2019 6.3.3), recommended only. */
function peakLimit(rows: readonly LimitRow[]): AppliedLimit | null {
  const twa = rows.flatMap((row) => appliedLimit(row, 'PC_TWA') ?? [])[0];
  if (twa === undefined || rows.some((row) => appliedLimit(row, 'PC_STEL'))) return null;
  const value = twa.value * PEAK_MULTIPLE;
  return { ...twa, kind: 'PEAK', value, clause: '6.3.3', force: 'RECOMMENDED' };
}

/** Column of GBZ 2.2-2007 table 8 for the post, + 1 °C in a hot region; empty: intensity not told. */
export function wbgtRowsOf(rows: readonly LimitRow[], post: Post): WbgtRows {
  return rows
    .flatMap((row) => {
      const value = row.limits.find(({ kind }) => kind === 'WBGT')?.value;
      const ratePercent = row.contactTimeRatePercent;
      if (value === undefined || ratePercent === undefined) return [];
      if (row.labourIntensity !== post.labourIntensity) return [];
      return [{ ratePercent, valueC: value + (post.hotRegion ? 1 : 0) }];
    })
    .sort((a, b) => a.ratePercent - b.ratePercent);
}

/** What a rule needs of the factor's other limits. */
export function companionsOf(
  rows: readonly LimitRow[],
  kind: LimitKind,
): CompanionLimits | undefined {
  if (kind === 'PC_STEL') {
    const pcTwa = rows.flatMap((row) => appliedLimit(row, 'PC_TWA') ?? [])[0]?.value;
    return pcTwa === undefined ? undefined : { pcTwa };
  }
  if (kind !== 'L_PEAK') return undefined;
  const impulses = rows.flatMap((row) => {
    const limit = appliedLimit(row, 'L_PEAK');
    const countMax = row.impulsesPerDay?.[1];
    return limit === undefined || countMax === undefined ? [] : [{ countMax, limit }];
  });
  return { impulses: impulses.sort((a, b) => a.countMax - b.countMax) };
}
