import type { RuleSubject } from '../model/exposure.ts';
import type { Crew } from '../model/facts.ts';
import type { LimitKind } from '../model/limits.ts';
import type { RegistryHistory } from './registry-history.ts';
import { resultKeyOf } from './result-key.ts';
import { contactSecondsOf, hoursPerWeek, rosterCycle, worksFiveDays } from './roster-cycle.ts';
import type { RuleDefinition } from './rule-definition.ts';
import type { ShiftInstance } from './shift.ts';

const WEEK_HOURS_COMMON = 40;

/** Exactly one of LEX,8h and the weekly form judges a crew (GBZ 2.2-2007 11.2). */
export const isForCrew = (kind: LimitKind, crew: Crew): boolean =>
  kind === 'LEX_8H' ? worksFiveDays(crew) : kind !== 'LEX_W' || !worksFiveDays(crew);

/**
 * The roster's cycle for a rule with a weekly form: LEX, and PC-TWA of crews on more than 40 h a week
 * (of 40 h and less, its weekly mean can't be above what each day allows).
 */
export function cycleDefinition(
  history: RegistryHistory,
  crew: Crew,
  shift: ShiftInstance,
  subject: RuleSubject,
): RuleDefinition['cycle'] {
  const hours = hoursPerWeek(crew);
  if (hours === undefined) return null;
  const isLong = subject.limitKind === 'PC_TWA' && hours > WEEK_HOURS_COMMON;
  if (subject.limitKind !== 'LEX_W' && !isLong) return null;
  const cycle = rosterCycle(history, crew, shift);
  if (cycle === undefined) return null;
  return {
    days: cycle.days,
    hoursPerWeek: hours,
    isLast: cycle.isLast,
    earlier: cycle.earlier.map(({ shift: before }) => {
      const { name, startMs, endMs } = before;
      return {
        resultKey: resultKeyOf({ ...subject, shift: { name, startMs, endMs } }),
        startMs,
        endMs,
        contactSeconds: contactSecondsOf(before),
      };
    }),
  };
}
