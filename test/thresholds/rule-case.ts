import type { AppliedLimit, LimitKind, Unit } from '../../src/model/limits.ts';
import { evaluateRule, type RuleResult } from '../../src/thresholds/evaluate-rule.ts';
import type {
  InputCell,
  InputFeed,
  InputProfile,
  RuleInputs,
} from '../../src/thresholds/rule-inputs.ts';
import { DAY_START_MS, MIN } from './world.ts';

/** A minute's value for all its seconds; null: nothing came. */
export type MinuteValues = readonly (number | null)[];

/** Values one after the other, each for a number of minutes. */
export const values = (
  segments: readonly (readonly [value: number | null, minutes: number])[],
): (number | null)[] =>
  segments.flatMap(([value, minutes]) => Array.from({ length: minutes }, () => value));

export const cellsOf = (of: MinuteValues): InputCell[] =>
  of.flatMap((value, i) =>
    value === null
      ? []
      : [{ minuteMs: DAY_START_MS + i * MIN, states: 'N'.repeat(60), values: [value] }],
  );

export const profile = (of: Partial<InputProfile> = {}): InputProfile => ({
  fromMs: 0,
  unit: 'mg/m3',
  unitFactor: 1,
  range: [0, 10_000],
  t90S: 0,
  lod: 0,
  specific: true,
  uncertainty: { abs: 0, rel: 0 },
  ...of,
});

export const limitOf = (kind: LimitKind, value: number, of: Partial<AppliedLimit> = {}) =>
  ({
    factor: 'x',
    kind,
    value,
    unit: unitOf(kind),
    standard: 'S',
    clause: 'C',
    force: 'MANDATORY',
    confirmed: true,
    ...of,
  }) as AppliedLimit;

const unitOf = (kind: LimitKind): Unit =>
  kind === 'WBGT'
    ? 'degC'
    : kind === 'LEX_8H' || kind === 'LEX_W' || kind === 'L_PEAK'
      ? 'dB(A)'
      : kind === 'MIXTURE'
        ? '1'
        : 'mg/m3';

export interface RuleCase extends Partial<Omit<RuleInputs, 'limits' | 'cells'>> {
  readonly kind: LimitKind;
  readonly limit: number | AppliedLimit;
  readonly minutes: MinuteValues;
  readonly metric?: string;
}

/** Inputs of one shift as long as its minutes, all of them contact. */
export function ruleInputs({ kind, limit, minutes, metric = 'x', ...rest }: RuleCase): RuleInputs {
  const endMs = DAY_START_MS + minutes.length * MIN;
  return {
    v: 1,
    subject: {
      enterprise: 'e',
      region: '330106',
      post: 'p',
      crew: 'c',
      point: 'pt',
      factor: 'x',
      limitKind: kind,
      channel: { device: 'd', metric },
      gateway: 'g',
      shift: { name: 's', startMs: DAY_START_MS, endMs },
    } as unknown as RuleInputs['subject'],
    basis: 'SCHEDULE',
    declaredMinutes: null,
    contact: [[DAY_START_MS, endMs]],
    lead: [],
    limits: [
      { fromMs: DAY_START_MS, limit: typeof limit === 'number' ? limitOf(kind, limit) : limit },
    ],
    wbgtRows: [],
    profiles: [profile()],
    cells: cellsOf(minutes),
    notEvaluable: [],
    caps: [],
    ...rest,
  };
}

export const judge = (of: RuleCase): RuleResult => evaluateRule(ruleInputs(of));

export const feed = (name: string, of: Partial<InputFeed> & { minutes?: MinuteValues }) => {
  const { minutes = [], ...rest } = of;
  return {
    channel: { device: name, metric: 'x' } as InputFeed['channel'],
    role: 'proof',
    share: 1,
    intervals: null,
    profiles: [profile()],
    cells: cellsOf(minutes),
    ...rest,
  } as InputFeed;
};
