import type { Crew, ShiftPlan } from '../model/facts.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from '../model/time.ts';
import { type CrewShift, crewShifts, zoneOf } from './crew-shifts.ts';
import type { RegistryHistory } from './registry-history.ts';
import { cycleDay, type ShiftInstance } from './shift.ts';
import { addDays, instantOf, isoWeekday, localDateAt } from './zoned-time.ts';

const WEEK_DAYS = 7;
const WORKING_DAYS = 5;

/** The cycle of a crew's roster that a shift lies in. */
export interface RosterCycle {
  readonly days: number;
  /** Shifts of the cycle before this one, ascending. */
  readonly earlier: readonly CrewShift[];
  readonly isLast: boolean;
}

/** Whether the plan shows every day of the week: without it the weekly form can't be told. */
export const hasRoster = (crew: Crew): boolean =>
  crew.roster !== undefined ||
  new Set(crew.shifts.flatMap(({ days }) => days)).size === crew.daysPerWeek;

/** Whether LEX,8h judges the crew (GBZ 2.2-2007 11.2), else the weekly form does: never both. */
export function worksFiveDays(crew: Crew): boolean {
  if (crew.roster === undefined) return crew.daysPerWeek === WORKING_DAYS;
  const { days } = crew.roster;
  if (days.length % WEEK_DAYS !== 0) return false;
  for (let week = 0; week < days.length; week += WEEK_DAYS) {
    const worked = days.slice(week, week + WEEK_DAYS).filter((name) => name !== null);
    if (worked.length !== WORKING_DAYS) return false;
  }
  return true;
}

/** Hours of work a week by the plan; undefined: it doesn't show the whole week. */
export function hoursPerWeek(crew: Crew): number | undefined {
  if (!hasRoster(crew)) return undefined;
  const { roster, shifts } = crew;
  if (roster === undefined) {
    return shifts.reduce((sum, plan) => sum + plannedHours(plan) * new Set(plan.days).size, 0);
  }
  const hoursOf = (name: string | null): number =>
    shifts.reduce((sum, plan) => sum + (plan.name === name ? plannedHours(plan) : 0), 0);
  const cycle = roster.days.reduce((sum, name) => sum + hoursOf(name), 0);
  return (cycle * WEEK_DAYS) / roster.days.length;
}

const DAY_MINUTES = DAY_MS / MINUTE_MS;
const minuteOfDay = (wall: string): number =>
  Number(wall.slice(0, 2)) * (HOUR_MS / MINUTE_MS) + Number(wall.slice(3));
const minutesUntil = (from: string, to: string): number =>
  ((minuteOfDay(to) - minuteOfDay(from) + DAY_MINUTES - 1) % DAY_MINUTES) + 1;

/** Hours of contact on a common day. */
function plannedHours({ start, end, breaks }: ShiftPlan): number {
  const pauses = breaks.reduce((sum, { from, to }) => sum + minutesUntil(from, to), 0);
  return ((minutesUntil(start, end) - pauses) * MINUTE_MS) / HOUR_MS;
}

/** The cycle: that of the roster, or the week from Monday on; undefined: the plan shows none. */
export function rosterCycle(
  history: RegistryHistory,
  crew: Crew,
  shift: ShiftInstance,
): RosterCycle | undefined {
  if (!hasRoster(crew)) return undefined;
  const zone = zoneOf(history, crew, shift.startMs);
  const date = localDateAt(zone, shift.startMs);
  const { roster } = crew;
  const days = roster?.days.length ?? WEEK_DAYS;
  const day = roster === undefined ? isoWeekday(date) - 1 : cycleDay(roster.from, days, date);
  const first = addDays(date, -day);
  const fromMs = instantOf(zone, first, '00:00');
  const untilMs = instantOf(zone, addDays(first, days), '00:00');
  const shifts = crewShifts(history, crew.id, fromMs, untilMs);
  const sorted = shifts.toSorted((a, b) => a.shift.startMs - b.shift.startMs);
  const index = sorted.findIndex((one) => one.shift.startMs === shift.startMs);
  return { days, earlier: sorted.slice(0, index), isLast: index === sorted.length - 1 };
}

/** Seconds of contact of a shift. */
export const contactSecondsOf = ({ contact }: ShiftInstance): number =>
  contact.reduce((sum, [a, b]) => sum + (b - a), 0) / SECOND_MS;
