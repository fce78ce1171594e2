import type { Crew, ShiftPlan } from '../model/facts.ts';
import type { PostId } from '../model/ids.ts';
import { DAY_MS, MINUTE_MS } from '../model/time.ts';
import type { Interval } from './rule-inputs.ts';
import {
  addDays,
  instantOf,
  isoDateOf,
  isoWeekday,
  type LocalDate,
  localDateAt,
} from './zoned-time.ts';

/** One shift of a crew on one day, cut inwards to whole minutes. */
export interface ShiftInstance {
  readonly name: string;
  readonly startMs: number;
  readonly endMs: number;
  /** The shift without its breaks, ascending. */
  readonly contact: readonly Interval[];
  /** Where the crew is when; empty: at its own post throughout. */
  readonly segments: readonly ShiftSegment[];
  /** Time of work when contact is another; absent: that of contact. */
  readonly work?: readonly Interval[];
}

/** Part of a shift at one post, cut inwards to whole minutes. */
export interface ShiftSegment {
  readonly post: PostId;
  readonly contact: readonly Interval[];
}

/**
 * Shifts of a crew that start in `[fromMs, untilMs)`, ascending. Wall times are those of the enterprise's
 * zone, so a shift over a change to or from summer time is an hour shorter or longer than written.
 */
export function shiftsOf(
  crew: Crew,
  timeZone: string,
  fromMs: number,
  untilMs: number,
): readonly ShiftInstance[] {
  const shifts: ShiftInstance[] = [];
  let date = addDays(localDateAt(timeZone, fromMs), -1);
  const days = Math.ceil((untilMs - fromMs) / DAY_MS) + 2;
  for (let i = 0; i <= days; i++, date = addDays(date, 1)) {
    for (const plan of plansOn(crew, date)) {
      const shift = shiftOn(plan, timeZone, date);
      const isInside = shift.startMs >= fromMs && shift.startMs < untilMs;
      if (isInside && shift.endMs > shift.startMs) shifts.push(shift);
    }
  }
  return shifts.sort((a, b) => a.startMs - b.startMs);
}

/** Shifts that start on a day, by the roster or else the weekdays; none on a holiday. */
export function plansOn(crew: Crew, date: LocalDate): readonly ShiftPlan[] {
  if (crew.holidays?.includes(isoDateOf(date))) return [];
  if (crew.roster === undefined) {
    return crew.shifts.filter(({ days }) => days.includes(isoWeekday(date)));
  }
  const { from, days } = crew.roster;
  const worked = days[cycleDay(from, days.length, date)];
  return crew.shifts.filter(({ name }) => name === worked);
}

/** Day of a roster's cycle, 0 the first; the cycle goes on before its anchor as well. */
export function cycleDay(anchor: string, cycleDays: number, date: LocalDate): number {
  const days = Math.round((Date.parse(isoDateOf(date)) - Date.parse(anchor)) / DAY_MS);
  return ((days % cycleDays) + cycleDays) % cycleDays;
}

function shiftOn(plan: ShiftPlan, timeZone: string, date: LocalDate): ShiftInstance {
  // A wall time at or before the start belongs to the next day.
  const at = (time: string, isAfter: boolean): number =>
    instantOf(timeZone, isAfter ? date : addDays(date, 1), time);
  const startMs = ceilMinute(at(plan.start, true));
  const endMs = floorMinute(at(plan.end, plan.end > plan.start));
  const breaks = plan.breaks.map(({ from, to }): Interval => {
    const startsToday = from >= plan.start;
    return [at(from, startsToday), at(to, startsToday && to > from)];
  });
  const contact = without([[startMs, endMs]], breaks);
  const segments = (plan.segments ?? []).map(({ post, from, to }): ShiftSegment => {
    const startsToday = from >= plan.start;
    const fromMs = ceilMinute(at(from, startsToday));
    const toMs = floorMinute(at(to, startsToday && to > from));
    return { post, contact: within(contact, fromMs, Math.min(toMs, endMs)) };
  });
  return { name: plan.name, startMs, endMs, contact, segments };
}

/** What of the intervals lies in `[fromMs, untilMs)`. */
export const within = (
  intervals: readonly Interval[],
  fromMs: number,
  untilMs: number,
): readonly Interval[] =>
  intervals
    .map(([a, b]): Interval => [Math.max(a, fromMs), Math.min(b, untilMs)])
    .filter(([a, b]) => a < b);

const ceilMinute = (atMs: number): number => Math.ceil(atMs / MINUTE_MS) * MINUTE_MS;
const floorMinute = (atMs: number): number => Math.floor(atMs / MINUTE_MS) * MINUTE_MS;

/** Intervals less breaks: contact is cut inwards, so breaks are cut outwards (design §5). */
export function without(
  intervals: readonly Interval[],
  breaks: readonly Interval[],
): readonly Interval[] {
  let left = intervals;
  for (const [from, to] of breaks) {
    const fromMs = floorMinute(from);
    // A change to summer time can swallow a break whole.
    const toMs = Math.max(fromMs, ceilMinute(to));
    left = left.flatMap(([startMs, endMs]): Interval[] => [
      [startMs, Math.min(endMs, fromMs)],
      [Math.max(startMs, toMs), endMs],
    ]);
    left = left.filter(([startMs, endMs]) => startMs < endMs);
  }
  return left;
}
