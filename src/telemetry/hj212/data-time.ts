import { DAY_MS, HOUR_MS, SECOND_MS } from '../../model/time.ts';

/** HJ 212 writes Beijing time without a zone. */
const ZONE_MS = 8 * HOUR_MS;
/** The time and, of QN and of some DataTimes, milliseconds. */
const TIME = /^(\d{4})(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})(\d{3})?$/;

/** UTC ms of YYYYMMDDhhmmss or YYYYMMDDhhmmsszzz in UTC+8; null: no such time. */
export function parseTime(text: string): number | null {
  const found = TIME.exec(text);
  if (found === null) return null;
  const [year, month, day, hour, minute, second, ms = 0] = found
    .slice(1)
    .map((digits) => (digits === undefined ? undefined : Number(digits))) as [
    ...[number, number, number, number, number, number],
    number | undefined,
  ];
  const localMs = Date.UTC(year, month - 1, day, hour, minute, second, ms);
  const read = new Date(localMs);
  const isReal =
    read.getUTCMonth() === month - 1 &&
    read.getUTCDate() === day &&
    read.getUTCHours() === hour &&
    read.getUTCMinutes() === minute &&
    read.getUTCSeconds() === second;
  // Years below 100 are read as 19xx by Date.UTC.
  return isReal && year >= 1_970 && localMs >= ZONE_MS ? localMs - ZONE_MS : null;
}

/** YYYYMMDDhhmmss in UTC+8. */
export const formatTime = (timeMs: number): string =>
  new Date(timeMs + ZONE_MS).toISOString().replaceAll(/\D/g, '').slice(0, 14);

export type DataKind = 'realtime' | 'minute' | 'hour' | 'day';

/** Commands that bring data (HJ 212-2017 Table 9). */
const KINDS: ReadonlyMap<string, DataKind> = new Map([
  ['2011', 'realtime'],
  ['2051', 'minute'],
  ['2061', 'hour'],
  ['2031', 'day'],
]);
export const dataKindOf = (cn: string): DataKind | undefined => KINDS.get(cn);

/** What a value stands for: the mean over `(atMs − spanMs, atMs]`. */
export interface DataSpan {
  readonly atMs: number;
  readonly spanMs: number;
  /** False: a period that does not start where such periods start. */
  readonly isAligned: boolean;
}

/**
 * DataTime is the instant of sampling of realtime data, and the *start* of the period of minute, hour
 * and day data (HJ 212-2017 6.3.5, Table 6).
 *
 * @param dataTimeMs UTC ms
 * @param lengthMs span of a realtime value, interval of minute data; not used for hours and days
 */
export function spanOf(kind: DataKind, dataTimeMs: number, lengthMs: number): DataSpan {
  const timeMs = Math.round(dataTimeMs / SECOND_MS) * SECOND_MS;
  if (kind === 'realtime') return { atMs: timeMs, spanMs: lengthMs, isAligned: true };
  const spanMs = kind === 'minute' ? lengthMs : kind === 'hour' ? HOUR_MS : DAY_MS;
  const isAligned = (timeMs + ZONE_MS) % spanMs === 0;
  return { atMs: timeMs + spanMs, spanMs, isAligned };
}

const HALF_DAY_MS = 12 * HOUR_MS;
/** A time of a 12-hour clock is only told from its other half when it is this near to the arrival. */
const NEAR_MS = 2 * HOUR_MS;

/**
 * The instant that a 12-hour clock meant: its own or that half a day away, whichever lies near the
 * arrival; null: neither does, so nobody knows.
 */
export function resolveHalfDay(timeMs: number, receivedAtMs: number): number | null {
  // 12 stands for 0 on such a clock.
  const hour = Math.floor(((timeMs + ZONE_MS) % DAY_MS) / HOUR_MS);
  const morningMs = hour >= 12 ? timeMs - HALF_DAY_MS : timeMs;
  const halves = [morningMs, morningMs + HALF_DAY_MS];
  return halves.find((half) => Math.abs(receivedAtMs - half) <= NEAR_MS) ?? null;
}
