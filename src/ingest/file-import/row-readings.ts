import { Flag } from '../../model/flags.ts';
import { DeviceId, type MetricName } from '../../model/ids.ts';
import { fail, ok, type Result } from '../../model/result.ts';
import { SECOND_MS } from '../../model/time.ts';
import { instantOf } from '../../thresholds/zoned-time.ts';
import type { ImportMapping } from './mapping.ts';

/** One line of the file: texts by column. */
export type Row = Readonly<Record<string, unknown>>;

export interface ImportedReading {
  readonly device: DeviceId;
  readonly metric: MetricName;
  /** UTC ms at the end of the span, whole seconds. */
  readonly atMs: number;
  readonly value: number | null;
  readonly flag: Flag;
}

/** What is wrong with a row: in which column, what was found, what was expected. */
export interface RowFault {
  readonly column: string;
  readonly found: string;
  readonly expected: string;
}

/** A time off the whole second by no more than this is snapped to it. */
const SNAP_MS_MAX = 500;

const textOf = (row: Row, column: string): string | undefined => {
  const cell = row[column];
  return cell === undefined || cell === null ? undefined : String(cell).trim();
};

/** The readings of one row, or every fault in it: a row is taken whole or not at all. */
export function rowReadings(
  row: Row,
  mapping: ImportMapping,
): Result<readonly ImportedReading[], 'faults'> & { readonly faults?: readonly RowFault[] } {
  const faults: RowFault[] = [];
  const at = readTime(row, mapping, faults);
  const device = readDevice(row, mapping, faults);
  const readings = [...valuesOf(row, mapping, faults)];
  if (faults.length > 0 || at === undefined || device === undefined) {
    return { ...fail('faults', `${faults.length} faults`), faults };
  }
  return ok(readings.map((reading) => ({ ...reading, device, atMs: at })));
}

function readTime(
  row: Row,
  { time, spanMs }: ImportMapping,
  faults: RowFault[],
): number | undefined {
  const text = textOf(row, time.column) ?? '';
  const read = parseTime(text, time);
  if (read === undefined) {
    faults.push({ column: time.column, found: text, expected: TIME_EXPECTED[time.format] });
    return undefined;
  }
  const atMs = Math.round(read / SECOND_MS) * SECOND_MS;
  if (Math.abs(atMs - read) > SNAP_MS_MAX || atMs < 0) {
    faults.push({ column: time.column, found: text, expected: 'a time on whole seconds' });
    return undefined;
  }
  return time.marks === 'start' ? atMs + spanMs : atMs;
}

const TIME_EXPECTED: Readonly<Record<ImportMapping['time']['format'], string>> = {
  iso: 'ISO 8601 with an offset, e.g. 2026-01-05T08:00:00+08:00',
  'epoch-s': 'seconds since 1970',
  'epoch-ms': 'milliseconds since 1970',
  local: 'YYYY-MM-DD HH:MM:SS of a time that exists in the zone',
};

// Without an offset Date would take the machine's own zone.
const ISO = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)$/;
const LOCAL = /^(\d{4})[-/](\d\d?)[-/](\d\d?)[ T](\d\d?):(\d\d)(?::(\d\d)(?:\.\d+)?)?$/;

function parseTime(text: string, { format, zone }: ImportMapping['time']): number | undefined {
  if (format === 'iso') return ISO.test(text) ? finite(Date.parse(text)) : undefined;
  if (format === 'local') return parseLocal(text, zone);
  if (!/^\d+(\.\d+)?$/.test(text)) return undefined;
  return finite(format === 'epoch-s' ? Number(text) * SECOND_MS : Number(text));
}

function parseLocal(text: string, zone: string): number | undefined {
  const match = LOCAL.exec(text);
  if (match === null) return undefined;
  const [year, month, day, hour, minute, second] = match
    .slice(1)
    .map((part) => Number(part ?? 0)) as [number, number, number, number, number, number];
  const utc = new Date(Date.UTC(year, month - 1, day, hour, minute, second));
  const isReal = utc.getUTCMonth() === month - 1 && utc.getUTCDate() === day && hour < 24;
  if (!isReal || minute > 59 || second > 59) return undefined;
  const time = `${hour}:${String(minute).padStart(2, '0')}`;
  return instantOf(zone, { year, month, day }, time) + second * SECOND_MS;
}

const finite = (value: number): number | undefined => (Number.isFinite(value) ? value : undefined);

function readDevice(row: Row, { device }: ImportMapping, faults: RowFault[]): DeviceId | undefined {
  if ('value' in device) return device.value;
  const text = textOf(row, device.column) ?? '';
  const parsed = DeviceId.safeParse(text);
  if (parsed.success) return parsed.data;
  faults.push({ column: device.column, found: text, expected: "a device's id" });
  return undefined;
}

type Value = Pick<ImportedReading, 'metric' | 'value' | 'flag'>;

function* valuesOf(row: Row, mapping: ImportMapping, faults: RowFault[]): Generator<Value> {
  const { wide, long } = mapping;
  for (const one of wide ?? []) {
    const read = readValue(row, one.column, one, one.flag, mapping, faults);
    if (read !== undefined) yield { metric: one.metric, ...read };
  }
  if (long === undefined) return;
  const name = textOf(row, long.metric.column) ?? '';
  const quantity = Object.hasOwn(long.metric.map, name) ? long.metric.map[name] : undefined;
  if (quantity === undefined) {
    const expected = `one of ${Object.keys(long.metric.map).join(', ')}`;
    faults.push({ column: long.metric.column, found: name, expected });
    return;
  }
  const read = readValue(row, long.value.column, quantity, long.flag, mapping, faults);
  if (read !== undefined) yield { metric: quantity.metric, ...read };
}

type FlagMapping = NonNullable<NonNullable<ImportMapping['long']>['flag']>;

function readValue(
  row: Row,
  column: string,
  { scale, offset }: { readonly scale: number; readonly offset: number },
  flagMapping: FlagMapping | undefined,
  { empty, emptyFlag }: ImportMapping,
  faults: RowFault[],
): Pick<ImportedReading, 'value' | 'flag'> | undefined {
  const text = textOf(row, column);
  if (text === undefined) {
    faults.push({ column, found: 'nothing', expected: 'a column of this name' });
    return undefined;
  }
  const flag = flagMapping === undefined ? 'N' : readFlag(row, flagMapping, faults);
  if (flag === undefined) return undefined;
  if (empty.includes(text)) return { value: null, flag: flag === 'N' ? emptyFlag : flag };
  const number = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text) ? Number(text) : Number.NaN;
  const value = number * scale + offset;
  if (Number.isFinite(value)) return { value, flag };
  faults.push({ column, found: text, expected: 'a number, or one of the texts of empty' });
  return undefined;
}

function readFlag(row: Row, { column, map }: FlagMapping, faults: RowFault[]): Flag | undefined {
  const text = textOf(row, column) ?? '';
  if (map !== undefined && Object.hasOwn(map, text)) return map[text];
  // An absent flag is not normal: nobody said so.
  if (text === '') return 'U';
  const parsed = Flag.safeParse(map === undefined ? text : undefined);
  if (parsed.success) return parsed.data;
  const expected = map === undefined ? 'a flag of HJ 212' : `one of ${Object.keys(map).join(', ')}`;
  faults.push({ column, found: text, expected });
  return undefined;
}
