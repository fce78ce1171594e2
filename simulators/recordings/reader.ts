import { readFileSync } from 'node:fs';
import { HOUR_MS, MINUTE_MS, SECOND_MS } from '../../src/model/time.ts';

/** A recorded series as columns. Missing values are NaN. */
export interface Recording {
  readonly name: RecordingName;
  /** Local wall time of each row, written as if it were UTC ms; ascending. */
  readonly wallMs: Float64Array;
  readonly columns: Readonly<Record<string, Float64Array>>;
  /** Usual distance of two rows: what follows the last row when the series repeats. */
  readonly stepMs: number;
  /** Rows further apart than this have a hole between them, and nothing is interpolated into it. */
  readonly gapMsMax: number;
}

export const RECORDING_NAMES = ['noise-laeq-1s', 'air-quality-1h', 'wbgt-1min'] as const;
export type RecordingName = (typeof RECORDING_NAMES)[number];

interface Format {
  readonly headerRows: 0 | 1;
  readonly stepMs: number;
  readonly gapMsMax: number;
  /** Column names after the time, in the file's order; null: not read. */
  readonly columns: readonly (string | null)[];
  readonly timeColumns: 1 | 2;
  readonly missing: number | null;
}

const FORMATS = {
  'noise-laeq-1s': {
    headerRows: 1,
    stepMs: SECOND_MS,
    gapMsMax: SECOND_MS,
    columns: ['laeqDbA'],
    timeColumns: 1,
    missing: null,
  },
  'air-quality-1h': {
    headerRows: 1,
    stepMs: HOUR_MS,
    gapMsMax: HOUR_MS,
    columns: ['coMgPerM3', 'no2UgPerM3', 'temperatureDegC', 'humidityPercent'],
    timeColumns: 2,
    missing: -200,
  },
  'wbgt-1min': {
    headerRows: 0,
    stepMs: MINUTE_MS,
    gapMsMax: 2 * MINUTE_MS,
    columns: ['temperatureDegC', 'humidityPercent', null, 'wbgtDegC', null],
    timeColumns: 2,
    missing: null,
  },
} as const satisfies Record<RecordingName, Format>;

/**
 * Wall time of `2025-03-22 06:00:00` or, as the UCI file writes it, `3/10/2004 18:00:00`
 * (month first). Throws on anything else: the files are ours.
 */
export function parseWallTime(text: string): number {
  const iso = /^(\d{4})-(\d\d)-(\d\d)[ T](\d\d):(\d\d):(\d\d)$/.exec(text);
  const us = iso ?? /^(\d{1,2})\/(\d{1,2})\/(\d{4}) (\d{1,2}):(\d\d):(\d\d)$/.exec(text);
  if (us === null) throw new Error(`Cannot read a wall time: ${JSON.stringify(text)}`);
  const [a, b, c, hour, minute, second] = us.slice(1).map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const [year, month, day] = iso === null ? [c, a, b] : [a, b, c];
  return Date.UTC(year, month - 1, day, hour, minute, second);
}

/** Reads a series from its file; throws when the file is not what its README says. */
export function readRecording(name: RecordingName): Recording {
  const format: Format = FORMATS[name];
  const text = readFileSync(new URL(`./${name}.csv`, import.meta.url), 'utf8');
  const rows = text
    .split('\n')
    .slice(format.headerRows)
    .filter((row) => row !== '');
  const wallMs = new Float64Array(rows.length);
  const values = format.columns.map(() => new Float64Array(rows.length));
  rows.forEach((row, at) => {
    const cells = row.split(',');
    wallMs[at] = parseWallTime(cells.slice(0, format.timeColumns).join(' '));
    if (at > 0 && wallMs[at]! <= wallMs[at - 1]!) {
      throw new Error(`Cannot read ${name}: row ${at + 1} does not come after the row before it`);
    }
    values.forEach((column, index) => {
      const value = Number(cells[format.timeColumns + index]);
      column[at] = value === format.missing ? Number.NaN : value;
    });
  });
  const columns: Record<string, Float64Array> = {};
  format.columns.forEach((column, index) => {
    if (column !== null) columns[column] = values[index]!;
  });
  return { name, wallMs, columns, stepMs: format.stepMs, gapMsMax: format.gapMsMax };
}

/** The columns that can be named in a scenario. */
export const columnsOf = (name: RecordingName): readonly string[] =>
  FORMATS[name].columns.filter((column) => column !== null);
