import { z } from 'zod';
import { LimitKind, type LimitRow } from '../../model/limits.ts';
import file from './alarm-set-points.json' with { type: 'json' };

const AlarmLevel = z.strictObject({
  id: z.string().min(1),
  nameZh: z.string().min(1),
  /** Of the basis; null: the employer sets it, the standard has no formula. */
  share: z.number().positive().nullable(),
  /** Of IDLH, when the detector can't measure so low. */
  idlhShare: z.number().positive().max(1).optional(),
  clause: z.string().min(1),
});

/** A rule by which gas detectors are set. Set points are no exposure limits, and judge nobody. */
const AlarmProfile = z.strictObject({
  id: z.string().min(1),
  nameZh: z.string().min(1),
  nameEn: z.string().min(1),
  /** The first that the row has; EXCURSION: PC-TWA times `excursionMultiple`. */
  basis: z.array(z.union([LimitKind, z.literal('EXCURSION')])).min(1),
  excursionMultiple: z.number().positive().optional(),
  levels: z.array(AlarmLevel).min(1),
  combustibleLelPercent: z.tuple([z.number(), z.number()]).optional(),
  oxygenVolPercent: z.tuple([z.number(), z.number()]).optional(),
  confirmed: z.boolean(),
  source: z.string().min(1),
  note: z.string().min(1).optional(),
});
export type AlarmProfile = z.infer<typeof AlarmProfile>;

let loaded: readonly AlarmProfile[] | undefined;

/** GBZ/T 223-2009 and GB/T 50493-2019. */
export function loadAlarmProfiles(): readonly AlarmProfile[] {
  loaded ??= z.array(AlarmProfile).parse(file);
  return loaded;
}

export interface AlarmSetPoint {
  readonly level: string;
  readonly nameZh: string;
  /** mg/m³; null: set by the employer. */
  readonly valueMgPerM3: number | null;
  readonly basis: string;
  readonly clause: string;
}

/**
 * Set points for a detector of the row's substance; undefined: the row has nothing to take them from.
 * `idlhMgPerM3`: given when the detector's range doesn't suffice for the limit.
 */
export function alarmSetPoints(
  profile: AlarmProfile,
  row: LimitRow,
  idlhMgPerM3?: number,
): readonly AlarmSetPoint[] | undefined {
  const found = basisOf(profile, row);
  if (found === undefined) return undefined;
  return profile.levels.map(({ id, nameZh, share, idlhShare, clause }) => {
    const byIdlh = idlhMgPerM3 !== undefined && idlhShare !== undefined;
    const value = byIdlh ? idlhMgPerM3 * idlhShare : share === null ? null : share * found.value;
    const basis = byIdlh ? 'IDLH' : found.basis;
    return { level: id, nameZh, valueMgPerM3: value, basis, clause };
  });
}

function basisOf(
  { basis, excursionMultiple }: AlarmProfile,
  { limits }: LimitRow,
): { readonly basis: string; readonly value: number } | undefined {
  const limitOf = (kind: string): number | undefined =>
    limits.find((limit) => limit.kind === kind && limit.unit === 'mg/m3')?.value;
  for (const kind of basis) {
    if (kind !== 'EXCURSION') {
      const value = limitOf(kind);
      if (value !== undefined) return { basis: kind, value };
      continue;
    }
    const twa = limitOf('PC_TWA');
    if (twa !== undefined && excursionMultiple !== undefined) {
      return { basis: `${excursionMultiple} × PC_TWA`, value: excursionMultiple * twa };
    }
  }
  return undefined;
}
