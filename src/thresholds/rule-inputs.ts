import type { RuleSubject } from '../model/exposure.ts';
import type { ChannelRef, ExposureBasis, MetricProfile } from '../model/facts.ts';
import type { AppliedLimit } from '../model/limits.ts';
import type { WbgtRows } from './limits/wbgt-limit.ts';

/** `[startMs, endMs)`, whole minutes. */
export type Interval = readonly [startMs: number, endMs: number];

/**
 * What stands for one second of a channel, one character each:
 * `-` nothing · `N` a value · `k` a value with a clock error above 2 s · `K` above 60 s ·
 * `<` the first, `=` one between and `>` the last second of a mean over a span that crosses a minute's edge ·
 * `~` such a mean whose ends aren't known, by a clock error above 2 s or another that overlaps it · `y` a T
 * over such a span · `Y` a T with either · `X` two different data for the second · `F M S D C T U` a value with that flag of HJ 212 ·
 * the same in lower case and `b`: null with that flag, or no communication.
 */
export type SecondStates = string;

/** One minute of the channel: seconds `(minuteMs, minuteMs + 60 s]`. */
export interface InputCell {
  readonly minuteMs: number;
  /** 60 characters, the first second first. */
  readonly states: SecondStates;
  /** Values of the `N`, `k` and `<=>~` seconds in their order, in the profile's unit; one when all are equal. */
  readonly values: readonly number[];
  /** Why nothing in the minute is proof, whatever its values. */
  readonly barred?: BarReason | undefined;
}

export type BarReason = 'certificate' | 'mark' | 'profile';

/** What the registry says of the channel from a time on. */
export interface InputProfile extends Pick<MetricProfile, 'range' | 't90S' | 'lod' | 'specific'> {
  readonly fromMs: number;
  readonly unit: MetricProfile['unit'];
  /** Readings times this are in the limit's unit. */
  readonly unitFactor: number;
  /** The same on the limit's other basis (nitrogen oxides as NO2); absent: there is none. */
  readonly otherBasisFactor?: number;
  readonly uncertainty: { readonly abs: number; readonly rel: number } | null;
}

/** One more channel that a rule reads; what it stands for in the rule's minutes is its role. */
export interface InputFeed {
  readonly channel: ChannelRef;
  /**
   * `proof`: adds to the number as the subject's own channel does · `fallback`: stands in the estimate
   * for seconds in which no proof was seen, never in the lower bound · `presence`: 1 while the crew is
   * at its place · `count`: impulses a minute.
   */
  readonly role: 'proof' | 'fallback' | 'presence' | 'count';
  /** What its contributions are multiplied by: 1/n of a mean of n channels. */
  readonly share: number;
  /** Where it speaks; null: everywhere. */
  readonly intervals: readonly Interval[] | null;
  readonly profiles: readonly InputProfile[];
  readonly cells: readonly InputCell[];
}

/** The subject's own channel among several. */
export type FirstFeed = Pick<InputFeed, 'role' | 'share' | 'intervals'>;

/** What one shift of a roster's cycle adds to the weekly form. */
export interface ShiftSum {
  readonly startMs: number;
  readonly endMs: number;
  /** Seconds of contact by the plan. */
  readonly contactSeconds: number;
  /** Of them, those in which nobody was there by the presence record. */
  readonly absentSeconds: number;
  readonly coveredSeconds: number;
  /** Sum over contact at the least it could be; energy for noise. */
  readonly lower: number;
  /** Sum over the covered seconds, as estimated. */
  readonly seen: number;
  /** Seconds for which the estimate stands: contact without absence, or the declared minutes. */
  readonly exposedSeconds: number;
  readonly conflictSeconds: number;
  /** What the sum was made from; empty: the shift was never judged. */
  readonly inputHash: string;
}

/** The roster's cycle that a shift lies in, for the weekly forms. */
export interface InputCycle {
  readonly days: number;
  readonly hoursPerWeek: number;
  /** Whether the shift is the cycle's last: then the cycle is judged. */
  readonly isLast: boolean;
  /** Shifts of the cycle before this one, ascending. */
  readonly earlier: readonly ShiftSum[];
}

/** Further limits of the factor that a rule needs beside its own. */
export interface CompanionLimits {
  /** PC-STEL: the PC-TWA of the factor. */
  readonly pcTwa?: number;
  /** L_PEAK: rows by number of impulses in a day, ascending. */
  readonly impulses?: readonly { readonly countMax: number; readonly limit: AppliedLimit }[];
}

/** The limit from a time on; null: none in force. */
export interface InputLimit {
  readonly fromMs: number;
  readonly limit: AppliedLimit | null;
  /** Confirmed limit that the unconfirmed `limit` replaced: what exceeds it exceeds either. */
  readonly proven?: AppliedLimit;
}

/**
 * Everything that one rule in one shift is judged from, as plain JSON: a stranger recomputes the result
 * from this alone. Event-time content only.
 */
export interface RuleInputs {
  readonly v: 1;
  readonly subject: RuleSubject;
  readonly basis: ExposureBasis;
  /** DECLARED_MINUTES: minutes of contact in the shift. */
  readonly declaredMinutes: number | null;
  /** Contact inside the shift, ascending. */
  readonly contact: readonly Interval[];
  /** Contact of adjacent shifts just before this one: MAC windows run across. */
  readonly lead: readonly Interval[];
  /** Ascending; the first holds at the shift's start. */
  readonly limits: readonly InputLimit[];
  /** WBGT: the table for the post's labour intensity, regional addition included. */
  readonly wbgtRows: WbgtRows;
  /** Ascending; empty: the channel is not known to measure the factor. */
  readonly profiles: readonly InputProfile[];
  /** Ascending, minutes with data only. */
  readonly cells: readonly InputCell[];
  /** Findings that make the rule not evaluable, e.g. `not-scheduled`, `unit-not-convertible`. */
  readonly notEvaluable: readonly string[];
  /** Findings of the registry that keep the verdict at `suspected`. */
  readonly caps: readonly string[];
  /** Absent: the subject's channel is proof throughout, and alone. */
  readonly first?: FirstFeed;
  readonly further?: readonly InputFeed[];
  /**
   * How channels that are proof in the same minute make one number: `any` lets each add what it saw
   * (missing counts as 0), `all` needs each in the second, as heat does.
   */
  readonly combine?: 'any' | 'all';
  /** Absent: the crew has no roster that shows the whole week. */
  readonly cycle?: InputCycle;
  readonly companions?: CompanionLimits;
  /** What the channels leave out of the factor: staying below the limit then shows nothing. */
  readonly partial?: string;
  /** Minutes of work in the shift at all posts; absent: those of `contact`. */
  readonly workMinutes?: number;
  /** Weights of GBZ/T 229.2-2025 for the grade given as information; absent: not known. */
  readonly grade?: {
    readonly hazard: number;
    readonly labour: number;
    /** The factor's notation steps the grade up. */
    readonly stepsUp?: true;
  };
}
