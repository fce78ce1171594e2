import { DAY_MS } from '../model/time.ts';

/** A calendar day in some zone. */
export interface LocalDate {
  readonly year: number;
  readonly month: number;
  readonly day: number;
}

/** Formatters are slow to make: one for each zone. */
const formats = new Map<string, Intl.DateTimeFormat>();

function formatOf(timeZone: string): Intl.DateTimeFormat {
  let format = formats.get(timeZone);
  if (format === undefined) {
    format = new Intl.DateTimeFormat('en-US', {
      timeZone,
      calendar: 'gregory',
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    });
    formats.set(timeZone, format);
  }
  return format;
}

/** What clocks on the wall show at `atMs`, written as if it were UTC, ms. */
function wallMs(timeZone: string, atMs: number): number {
  const part: Record<string, number> = {};
  for (const { type, value } of formatOf(timeZone).formatToParts(atMs)) part[type] = Number(value);
  const { year, month, day, hour, minute, second } = part as Record<string, number>;
  return Date.UTC(year!, month! - 1, day, hour, minute, second);
}

/** The calendar day in a zone (IANA name) at a time. */
export function localDateAt(timeZone: string, atMs: number): LocalDate {
  const wall = new Date(wallMs(timeZone, atMs));
  return { year: wall.getUTCFullYear(), month: wall.getUTCMonth() + 1, day: wall.getUTCDate() };
}

export function addDays({ year, month, day }: LocalDate, days: number): LocalDate {
  const wall = new Date(Date.UTC(year, month - 1, day + days));
  return { year: wall.getUTCFullYear(), month: wall.getUTCMonth() + 1, day: wall.getUTCDate() };
}

/** `YYYY-MM-DD`. */
export const isoDateOf = ({ year, month, day }: LocalDate): string =>
  new Date(Date.UTC(year, month - 1, day)).toISOString().slice(0, 10);

/** 1 = Monday … 7 = Sunday (ISO 8601). */
export const isoWeekday = ({ year, month, day }: LocalDate): number =>
  new Date(Date.UTC(year, month - 1, day)).getUTCDay() || 7;

/** Instants worked out so far: crews of one zone share them. All are forgotten when it is full. */
const instants = new Map<string, number>();
const INSTANTS_MAX = 20_000;

/**
 * UTC ms at which wall clocks of the zone show `HH:MM` on a day. A time that a clock change skips is
 * taken as if the change had not come; of a time that comes twice, the first.
 */
export function instantOf(timeZone: string, date: LocalDate, time: string): number {
  const [hours, minutes] = time.split(':').map(Number) as [number, number];
  const wanted = Date.UTC(date.year, date.month - 1, date.day, hours, minutes);
  const key = `${timeZone} ${wanted}`;
  let instant = instants.get(key);
  if (instant === undefined) {
    if (instants.size >= INSTANTS_MAX) instants.clear();
    instant = findInstant(timeZone, wanted);
    instants.set(key, instant);
  }
  return instant;
}

function findInstant(timeZone: string, wanted: number): number {
  // Offsets a day before and after bracket any change; the one before it comes first in time.
  const before = wallMs(timeZone, wanted - DAY_MS) - (wanted - DAY_MS);
  const after = wallMs(timeZone, wanted + DAY_MS) - (wanted + DAY_MS);
  for (const offset of [before, after]) {
    if (wallMs(timeZone, wanted - offset) === wanted) return wanted - offset;
  }
  return wanted - before;
}
