import type { Crew, ShiftPlan } from '../model/facts.ts';
import type { Report } from './registry-checks.ts';

const DAY_MINUTES = 1_440;
const WEEK_MINUTES = 7 * DAY_MINUTES;

/** Faults in a crew's shifts and in how its exposure is known. */
export function checkCrew(crew: Crew, report: Report): void {
  for (const [index, shift] of crew.shifts.entries()) {
    checkBreaks(shift, (where, expected, found) =>
      report(`shifts.${index}.${where}`, expected, found),
    );
    const days = new Set(shift.days);
    if (days.size < shift.days.length) report(`shifts.${index}.days`, 'each day once', shift.days);
  }
  const weekdays = new Set(crew.shifts.flatMap(({ days }) => days)).size;
  // A roster's shifts follow its days, not weekdays.
  if (crew.roster === undefined && weekdays > crew.daysPerWeek) {
    // Five days choose LEX,8h, else the weekly form judges (GBZ 2.2-2007 11.2): a crew that shares
    // more days among its people is several crews.
    report('daysPerWeek', `the ${weekdays} weekdays on which its shifts start`, crew.daysPerWeek);
  }
  const overlap = crew.roster === undefined ? overlapping(crew.shifts) : undefined;
  if (overlap !== undefined) report('shifts', 'shifts that do not overlap', overlap);
  checkDeclaredMinutes(crew, report);
  const names = new Set(crew.shifts.map(({ name }) => name));
  for (const name of crew.roster?.days ?? []) {
    if (name !== null && !names.has(name)) report('roster.days', 'names of its shifts', name);
  }
}

function checkDeclaredMinutes(crew: Crew, report: Report): void {
  const { basis, declaredMinutes } = crew;
  if (basis !== 'DECLARED_MINUTES') {
    if (declaredMinutes !== undefined) report('basis', 'DECLARED_MINUTES', basis);
    return;
  }
  if (declaredMinutes === undefined) {
    report('declaredMinutes', 'the declared minutes of contact a shift', null);
    return;
  }
  const shortest = Math.min(...crew.shifts.map(lengthMinutes));
  if (declaredMinutes > shortest) {
    report('declaredMinutes', `at most the ${shortest} min of the shift`, declaredMinutes);
  }
}

const minuteOfDay = (wall: string): number => {
  const [hours, minutes] = wall.split(':').map(Number) as [number, number];
  return hours * 60 + minutes;
};

/** Minutes from `from` to `to`, on the next day when `to` is not later. */
const minutesUntil = (from: string, to: string): number =>
  ((minuteOfDay(to) - minuteOfDay(from) + DAY_MINUTES - 1) % DAY_MINUTES) + 1;

const lengthMinutes = ({ start, end }: ShiftPlan): number => minutesUntil(start, end);

function checkBreaks(shift: ShiftPlan, report: Report): void {
  const length = lengthMinutes(shift);
  const offsets = shift.breaks.map((pause, index) => {
    const from = (minuteOfDay(pause.from) - minuteOfDay(shift.start) + DAY_MINUTES) % DAY_MINUTES;
    const to = from + minutesUntil(pause.from, pause.to);
    if (to > length) {
      report(`breaks.${index}`, `a break inside ${shift.start}–${shift.end}`, pause);
    }
    return { from, to, pause, index };
  });
  offsets.sort((a, b) => a.from - b.from);
  for (const [i, { from, pause, index }] of offsets.entries()) {
    const before = offsets[i - 1];
    if (before !== undefined && from < before.to) {
      report(`breaks.${index}`, 'breaks that do not overlap', pause);
    }
  }
}

/** Names of the first two shifts that overlap in the week, also across its end. */
function overlapping(shifts: readonly ShiftPlan[]): readonly [string, string] | undefined {
  const spans = shifts
    .flatMap((shift) =>
      shift.days.map((day) => {
        const from = (day - 1) * DAY_MINUTES + minuteOfDay(shift.start);
        return { from, to: from + lengthMinutes(shift), name: shift.name };
      }),
    )
    .sort((a, b) => a.from - b.from);
  const first = spans[0];
  if (first === undefined) return undefined;
  const next = [...spans.slice(1), { ...first, from: first.from + WEEK_MINUTES }];
  for (const [i, span] of spans.entries()) {
    const after = next[i];
    if (after !== undefined && after.from < span.to) return [span.name, after.name];
  }
  return undefined;
}
