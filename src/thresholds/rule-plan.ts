import { sha256Hex } from '../model/digest.ts';
import type { RuleSubject } from '../model/exposure.ts';
import { MINUTE_MS } from '../model/time.ts';
import type { ChannelFacts } from './channel-facts.ts';
import { resultKeyOf } from './result-key.ts';
import { type EarlierShift, type RuleDefinition, tableStartMs } from './rule-definition.ts';
import type { InputProfile, Interval } from './rule-inputs.ts';

/** What tells the subjects of one plan apart, beside their channel. */
export type RulePlace = Pick<RuleSubject, 'enterprise' | 'region' | 'post' | 'crew' | 'point'>;

/**
 * A rule's definition without what only its subject has: whole provinces share one of a factor, a limit and a
 * shift, and a rule's state refers to it.
 */
export interface RulePlan extends Omit<RuleDefinition, 'resultKey' | 'subject' | 'cycle'> {
  readonly subject: Pick<RuleSubject, 'factor' | 'limitKind' | 'shift'>;
  /** Result keys follow from the subject. */
  readonly cycle:
    | (Omit<NonNullable<RuleDefinition['cycle']>, 'earlier'> & {
        readonly earlier: readonly Omit<EarlierShift, 'resultKey'>[];
      })
    | null;
}

/** A plan under its key, and what is asked of it every minute. */
export interface LivePlan {
  readonly key: string;
  readonly plan: RulePlan;
  /** First minute whose cells the rule reads, and how many there are to the shift's end. */
  readonly startMinute: number;
  readonly length: number;
  /** Minutes of contact of the shift, and of the shift before that the rule reads. */
  readonly contactMinutes: number;
  /** How minutes are read, by what the registry says of the channel; all are forgotten when it is full. */
  readonly readings: Map<ChannelFacts, MinuteReading>;
}

/** What the registry says of a minute, as the rule reads it. */
export interface MinuteReading {
  /** Undefined: the channel measures something else, or can't be read. */
  readonly profile: InputProfile | undefined;
  /** Nothing in the minute is proof. */
  readonly isBarred: boolean;
  /** The limits that may accuse; null: something else keeps the rule from accusing. */
  readonly accusing: RuleDefinition['limits'] | null;
}

export function livePlan(key: string, plan: RulePlan): LivePlan {
  const startMs = tableStartMs(plan);
  return {
    key,
    plan,
    startMinute: startMs / MINUTE_MS,
    length: Math.floor((plan.subject.shift.endMs - startMs) / MINUTE_MS),
    contactMinutes: minutesOf(plan.lead) + minutesOf(plan.contact),
    readings: new Map(),
  };
}

const minutesOf = (intervals: readonly Interval[]): number =>
  intervals.reduce((sum, [fromMs, untilMs]) => sum + (untilMs - fromMs) / MINUTE_MS, 0);

/** Plans are plain JSON: what is written alike is alike. */
export const planKey = (plan: RulePlan): string => sha256Hex(JSON.stringify(plan));

/** Joined, so that it is in one piece: it is kept. */
export const placeKey = ({ post, crew, point, enterprise, region }: RulePlace): string =>
  [post, crew, point, enterprise, region].join(' ');

export function planOf({ resultKey: _, subject, cycle, ...rest }: RuleDefinition): RulePlan {
  const { factor, limitKind, shift } = subject;
  return {
    ...rest,
    subject: { factor, limitKind, shift },
    cycle: cycle && {
      ...cycle,
      earlier: cycle.earlier.map(({ resultKey: _, ...shift }) => shift),
    },
  };
}

export const placeOf = ({ subject }: RuleDefinition): RulePlace => {
  const { enterprise, region, post, crew, point } = subject;
  return { enterprise, region, post, crew, point };
};

/** The definition that a plan gives at a place, for a channel. */
export function definitionFrom(plan: RulePlan, subject: RuleSubject): RuleDefinition {
  const { cycle } = plan;
  return {
    ...plan,
    resultKey: resultKeyOf(subject),
    subject,
    cycle: cycle && {
      ...cycle,
      earlier: cycle.earlier.map((earlier) => ({
        ...earlier,
        resultKey: resultKeyOf({ ...subject, shift: { ...subject.shift, ...earlier } }),
      })),
    },
  };
}
