import type { Crew, Post } from '../model/facts.ts';
import { DAY_MS } from '../model/time.ts';
import { type RegistryHistory, remembered, valueAt, versionsOf } from './registry-history.ts';
import type { Interval } from './rule-inputs.ts';
import { type ShiftInstance, shiftsOf, within } from './shift.ts';

export interface CrewShift {
  readonly crew: Crew;
  readonly shift: ShiftInstance;
}

/** Shifts that start in a span, each by the crew's plan and the zone that held when it started. */
export const crewShifts = (
  history: RegistryHistory,
  crewId: string,
  fromMs: number,
  untilMs: number,
): readonly CrewShift[] =>
  remembered(history, `shifts ${crewId} ${fromMs} ${untilMs}`, () =>
    readCrewShifts(history, crewId, fromMs, untilMs),
  );

function readCrewShifts(
  history: RegistryHistory,
  crewId: string,
  fromMs: number,
  untilMs: number,
): readonly CrewShift[] {
  const shifts: CrewShift[] = [];
  const plans = new Set(versionsOf(history, 'crew', crewId).map(({ value }) => value));
  for (const crew of plans) {
    if (crew === null) continue;
    for (const planned of shiftsOf(crew, zoneOf(history, crew, fromMs), fromMs, untilMs)) {
      if (valueAt(history, 'crew', crewId, planned.startMs) !== crew) continue;
      shifts.push({ crew, shift: crew.basis === 'PERSONAL' ? carriedThrough(planned) : planned });
    }
  }
  return shifts;
}

/**
 * PERSONAL: the instrument goes where the worker goes. Breaks and posts don't gate it, so the whole shift is
 * contact; what was taken off for a break is missing, as anything else that wasn't seen.
 */
function carriedThrough(shift: ShiftInstance): ShiftInstance {
  const { startMs, endMs, contact } = shift;
  return { ...shift, contact: [[startMs, endMs]], segments: [], work: contact };
}

/** Zone in which the crew's shifts are written. */
export function zoneOf(history: RegistryHistory, crew: Crew, atMs: number): string {
  // A crew learnt before its enterprise's first day is taken by that day's zone.
  const postOf = (at: number): Post | undefined => valueAt(history, 'post', crew.post, at);
  const post = postOf(atMs) ?? versionsOf(history, 'post', crew.post)[0]?.value ?? undefined;
  if (post === undefined) return 'Asia/Shanghai';
  const enterprise =
    valueAt(history, 'enterprise', post.enterprise, atMs) ??
    versionsOf(history, 'enterprise', post.enterprise)[0]?.value;
  return enterprise?.timeZone ?? 'Asia/Shanghai';
}

/** Contact at the crew's post in the time before a shift: MAC windows run across adjacent shifts. */
export function contactBefore(
  history: RegistryHistory,
  crew: Crew,
  startMs: number,
  lengthMs: number,
): readonly Interval[] {
  const intervals: Interval[] = [];
  for (const other of history.crewsOfPost.get(crew.post) ?? []) {
    for (const before of crewShifts(history, other, startMs - DAY_MS, startMs)) {
      if (before.crew.post !== crew.post || before.shift.segments.length > 0) continue;
      intervals.push(...within(before.shift.contact, startMs - lengthMs, startMs));
    }
  }
  return joined(intervals.sort((a, b) => a[0] - b[0]));
}

/** Sorted intervals with those that touch or overlap made one. */
export function joined(intervals: readonly Interval[]): readonly Interval[] {
  const out: Interval[] = [];
  for (const [startMs, endMs] of intervals) {
    const last = out.at(-1);
    if (last !== undefined && startMs <= last[1]) {
      out[out.length - 1] = [last[0], Math.max(last[1], endMs)];
    } else out.push([startMs, endMs]);
  }
  return out;
}
