import { findLimitSet, loadLimitSet } from '../src/thresholds/limits/limit-set.ts';
import { alarmSetPoints, loadAlarmProfiles } from '../src/thresholds/profiles/alarm-set-points.ts';
import { loadProfiles } from '../src/thresholds/profiles/exposure-profile.ts';

/** A row of any table, as `wugan limits --json` gives it; further members are the table's own. */
export interface PrintedRow {
  readonly id: string;
  readonly nameZh: string;
  readonly nameEn: string;
  readonly cas: readonly string[];
  readonly limits: readonly {
    readonly kind: string;
    readonly value: number | null;
    readonly unit: string;
  }[];
  readonly clause: string;
  readonly confirmed: boolean;
  readonly source: string;
  readonly edition?: string | undefined;
  readonly force?: string | undefined;
  readonly validFrom?: string | undefined;
  readonly validTo?: string | null | undefined;
  readonly validFromNote?: string | undefined;
  readonly expressedAs?: string | null | undefined;
  readonly notation?: string | null | undefined;
  readonly altitudeM?: object | null | undefined;
  readonly condition?: string | undefined;
  readonly labourIntensity?: string | undefined;
  readonly contactTimeRatePercent?: number | undefined;
  readonly impulsesPerDay?: readonly number[] | undefined;
  readonly unconfirmedKinds?: readonly string[] | undefined;
  readonly note?: string | undefined;
}

export interface PrintedTable {
  readonly id: string;
  readonly nameZh: string;
  readonly nameEn: string;
  readonly rows: readonly PrintedRow[];
}

export const TABLE_IDS: readonly string[] = [
  loadLimitSet().id,
  ...loadProfiles()
    .filter(({ rows }) => rows.length > 0)
    .map(({ id }) => id),
  ...loadAlarmProfiles().map(({ id }) => id),
];

/** The table of an id: a limit set, an edition of it (`gbz-2019@2020-04-01`), or a profile. */
export function tableOf(id: string): PrintedTable | undefined {
  const set = findLimitSet(id);
  if (set !== undefined) return set;
  const profile = loadProfiles().find((candidate) => candidate.id === id);
  if (profile !== undefined) return profile;
  const alarms = loadAlarmProfiles().find((candidate) => candidate.id === id);
  if (alarms === undefined) return undefined;
  const { nameZh, nameEn, confirmed, source, note } = alarms;
  const rows = loadLimitSet().rows.flatMap((row): PrintedRow[] => {
    const points = alarmSetPoints(alarms, row);
    if (points === undefined || row.validTo !== null) return [];
    return [
      {
        id: row.id,
        nameZh: row.nameZh,
        nameEn: row.nameEn,
        cas: row.cas,
        limits: points.map(({ level, valueMgPerM3 }) => ({
          kind: level,
          value: valueMgPerM3,
          unit: 'mg/m3',
        })),
        clause: `${points[0]!.basis}: ${row.edition} ${row.clause}`,
        confirmed: confirmed && row.confirmed,
        source: `${source}; ${row.source}`,
        ...(note === undefined ? {} : { note }),
      },
    ];
  });
  return { id, nameZh, nameEn, rows };
}
