import type { RuleSubject } from '../model/exposure.ts';
import type { ChannelRef, MetricProfile } from '../model/facts.ts';
import type { FactorId, GatewayId } from '../model/ids.ts';
import { type AppliedLimit, isMassUnit, MASS_UNITS, type Unit } from '../model/limits.ts';
import { airFactor } from './air-state.ts';
import type { InputCycle, InputFeed, InputLimit, InputProfile, RuleInputs } from './rule-inputs.ts';

/** How a channel's readings become the number that a rule adds up. */
export interface Reading {
  /** Factors that the channel may be said to measure; null: whatever, its role says what it gives. */
  readonly factors: readonly FactorId[] | null;
  /** What ppm readings are multiplied by; null: not convertible. */
  readonly ppmFactor: number | null;
  readonly limitUnit: Unit;
  /** What the reading in the limit's unit is multiplied by. */
  readonly weight: number;
  /** The same on the limit's other basis; absent: there is none. */
  readonly otherWeight?: number;
  /** Fraction of dust that the limit is for; null: no dust. */
  readonly fraction: 'total' | 'respirable' | null;
}

/** One further channel as the facts define it. */
export interface FeedDefinition extends Omit<InputFeed, 'profiles' | 'cells'> {
  readonly gateway: GatewayId;
  readonly reading: Reading;
}

/** A shift of the cycle before this one: whose sum is looked up under `resultKey`. */
export interface EarlierShift {
  readonly resultKey: string;
  readonly startMs: number;
  readonly endMs: number;
  readonly contactSeconds: number;
}

/** One rule for one shift as the facts define it: the inputs without what was measured. */
export interface RuleDefinition
  extends Omit<RuleInputs, 'v' | 'profiles' | 'cells' | 'notEvaluable' | 'further' | 'cycle'> {
  readonly resultKey: string;
  readonly reading: Reading;
  /** Findings of the facts that make the rule not evaluable. */
  readonly notEvaluable: readonly string[];
  /** Further channels; empty: the subject's alone. */
  readonly feeds: readonly FeedDefinition[];
  readonly cycle: (Omit<InputCycle, 'earlier'> & { earlier: readonly EarlierShift[] }) | null;
}

/** Whether several channels make the rule's number, so that one of them alone doesn't show it. */
export const isComposite = ({
  feeds,
  first,
  subject,
}: Pick<RuleDefinition, 'feeds' | 'first'> & {
  readonly subject: Pick<RuleSubject, 'limitKind'>;
}): boolean =>
  subject.limitKind === 'MIXTURE' ||
  subject.limitKind === 'L_PEAK' ||
  first?.role === 'fallback' ||
  feeds.some(({ role }) => role !== 'fallback');

/** First minute whose cells the rule reads, UTC ms: MAC reads some of the shift before. */
export const tableStartMs = (
  definition: Pick<RuleDefinition, 'lead'> & {
    readonly subject: Pick<RuleSubject, 'shift'>;
  },
): number =>
  Math.min(
    definition.lead[0]?.[0] ?? definition.subject.shift.startMs,
    definition.subject.shift.startMs,
  );

/** A metric's profile as the rule reads it; undefined: it measures something else, or can't be read. */
export const inputProfileOf = (
  { reading }: Pick<RuleDefinition, 'reading'>,
  profile: MetricProfile,
  fromMs: number,
): InputProfile | undefined => readProfile(reading, profile, fromMs);

export function readProfile(
  reading: Reading,
  profile: MetricProfile,
  fromMs: number,
): InputProfile | undefined {
  if (!measures(reading, profile) || unreadable(reading, profile) !== undefined) return undefined;
  const factor = factorOf(reading, profile);
  if (factor === null) return undefined;
  const { range, uncertainty, t90S, lod, specific, unit } = profile;
  // A share of a decibel or a degree means nothing (design §5): such an uncertainty is none.
  const isMeaningless = uncertainty !== null && uncertainty.rel > 0 && !isRatioUnit(unit);
  const { weight, otherWeight } = reading;
  return {
    fromMs,
    unit,
    unitFactor: factor * weight,
    ...(otherWeight === undefined ? {} : { otherBasisFactor: factor * otherWeight }),
    range,
    t90S,
    lod,
    specific,
    uncertainty: isMeaningless ? null : uncertainty,
  };
}

export const measures = ({ factors }: Reading, { factor }: MetricProfile): boolean =>
  factors === null || factors.includes(factor);

/** Why a profile of the right factor can't be read; undefined: it can. */
export function unreadable(reading: Reading, profile: MetricProfile): string | undefined {
  const { unit, air, dust } = profile;
  if (unit === 'undeclared') return 'unit-undeclared';
  if (isMassUnit(unit) && air === 'undeclared') return 'basis-undeclared';
  if (reading.fraction !== null && dust !== undefined && dust.fraction !== reading.fraction) {
    return 'dust-fraction';
  }
  return factorOf(reading, profile) === null ? 'unit-not-convertible' : undefined;
}

function factorOf(reading: Reading, profile: MetricProfile): number | null {
  const { unit, air, dust } = profile;
  if (unit === 'ppm' && reading.limitUnit !== 'ppm') return reading.ppmFactor;
  if (isMassUnit(unit) && reading.limitUnit === 'mg/m3') {
    const inAir = airFactor(air, reading.fraction !== null) * (dust?.massFactor ?? 1);
    return inAir * MASS_UNITS[unit];
  }
  return unit === reading.limitUnit ? 1 : null;
}

const isRatioUnit = (unit: Unit): boolean => unit !== 'dB(A)' && unit !== 'degC';

/** The limit in force at a time, of those of the shift. */
export const definitionLimitAt = (
  limits: readonly InputLimit[],
  atMs: number,
): AppliedLimit | null => limits.findLast(({ fromMs }) => fromMs <= atMs)?.limit ?? null;

export const sameChannel = (a: ChannelRef, b: ChannelRef): boolean =>
  a.device === b.device && a.metric === b.metric;
