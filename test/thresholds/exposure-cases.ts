import type { LimitKind } from '../../src/model/limits.ts';
import { Scenario } from './scenario-schema.ts';
import {
  type Exceeds,
  heatAbove,
  impulseAbove,
  levelAbove,
  meanAbove,
  peakBroken,
  twaAbove,
} from './truth.ts';

/** A post, a crew and its sensors, with what exceeds there in truth. */
export interface ExposureCase {
  readonly name: string;
  readonly kind: LimitKind;
  readonly scenario: Scenario;
  /** Shifts that the rule adds up, one a day, of so many seconds. */
  readonly shifts: number;
  readonly shiftS: number;
  /** Seconds of the shift that are contact by the plan, and by the crew's own word. */
  readonly isContact: (second: number) => boolean;
  readonly declaredMinutes: number | null;
  readonly exceeds: Exceeds;
  /** Expanded uncertainty that every reading may be wrong by, all alike; absent: not tried. */
  readonly bias?: number;
  /** Never accuses, whatever comes. */
  readonly neverAccuses?: true;
}

const SHIFT = { name: 'd', days: [1], start: '08:00', end: '09:00', breaks: [] };
const BREAK = [{ from: '08:20', to: '08:25' }];
const isInBreak = (second: number): boolean => second >= 1_200 && second < 1_500;
/** Long enough for the contact rate of heat to pass a quarter of 8 h. */
const LONG_SHIFT = { ...SHIFT, end: '11:00' };

interface Asked extends Partial<Pick<ExposureCase, 'shifts' | 'shiftS' | 'bias' | 'neverAccuses'>> {
  readonly name: string;
  readonly kind: LimitKind;
  readonly exceeds: Exceeds;
  readonly post?: object;
  readonly crew?: { readonly shifts?: readonly object[]; readonly [name: string]: unknown };
  readonly sensors: Readonly<Record<string, object>>;
}

function exposureCase({ post = {}, crew = {}, sensors, ...rest }: Asked): ExposureCase {
  const scenario = Scenario.parse({
    title: { zh: rest.name, en: rest.name },
    clause: '-',
    post,
    crew: { basis: 'SCHEDULE', shifts: [{ ...SHIFT, breaks: BREAK }], ...crew },
    sensors,
    series: {},
    expected: [{ at: 'end' }],
  });
  // What is worn goes along into the break.
  const hasBreak = crew.shifts === undefined && scenario.crew.basis !== 'PERSONAL';
  return {
    shifts: 1,
    shiftS: 3_600,
    isContact: (second) => !(hasBreak && isInBreak(second)),
    declaredMinutes: scenario.crew.declaredMinutes ?? null,
    ...rest,
    scenario,
  };
}

const CO = { factor: 'carbon-monoxide', unit: 'mg/m3', range: [0, 400], lod: 3, uncertainty: 1 };
const CL2 = { factor: 'chlorine', unit: 'mg/m3', range: [0, 4], uncertainty: 0.1 };
const PHENOL = { factor: 'phenol', unit: 'mg/m3', range: [0, 60], uncertainty: 0.5 };
const NOISE = { factor: 'noise', unit: 'dB(A)', range: [60, 125], uncertainty: 1 };
const HEAT = { factor: 'wbgt', unit: 'degC', range: [15, 50], uncertainty: 0.3 };
const GATE = { role: 'presence', unit: '1', range: [0, 1] };
const PRESENCE = { basis: 'PRESENCE', shifts: [SHIFT] };
const LABOUR = { labourIntensity: 'III' };
const heat = { kind: 'WBGT', post: LABOUR, shiftS: 10_800 } as const;

const twa = { kind: 'PC_TWA', exceeds: twaAbove('co', 20), bias: 1 } as const;
const lex = { kind: 'LEX_8H', exceeds: levelAbove('laeq', 85, 8), bias: 1 } as const;

/** Every rule that may accuse, and every basis. */
export const EXPOSURE_CASES: readonly ExposureCase[] = [
  exposureCase({ ...twa, name: 'PC_TWA, SCHEDULE', sensors: { co: CO } }),
  exposureCase({
    ...twa,
    name: 'PC_TWA, PERSONAL',
    sensors: { co: CO },
    crew: { basis: 'PERSONAL' },
  }),
  exposureCase({
    ...twa,
    name: 'PC_TWA, PRESENCE',
    sensors: { co: CO, gate: GATE },
    crew: PRESENCE,
  }),
  exposureCase({
    ...twa,
    name: 'PC_TWA, DECLARED_MINUTES',
    sensors: { co: CO },
    crew: { basis: 'DECLARED_MINUTES', declaredMinutes: 40 },
  }),
  exposureCase({
    ...twa,
    name: 'PC_TWA, ASSUMED_FULL_SHIFT',
    sensors: { co: CO },
    crew: { basis: 'ASSUMED_FULL_SHIFT' },
    neverAccuses: true,
  }),
  exposureCase({
    ...twa,
    name: 'PC_TWA with a backup',
    sensors: { co: CO, spare: { ...CO, role: 'backup' } },
  }),
  exposureCase({
    name: 'PC_STEL',
    kind: 'PC_STEL',
    exceeds: meanAbove('co', 30, 15),
    bias: 1,
    sensors: { co: { ...CO, range: [0, 100] } },
  }),
  exposureCase({
    name: 'PC_STEL, PRESENCE',
    kind: 'PC_STEL',
    exceeds: meanAbove('co', 30, 15),
    bias: 1,
    sensors: { co: { ...CO, range: [0, 100] }, gate: GATE },
    crew: PRESENCE,
  }),
  exposureCase({
    name: 'MAC',
    kind: 'MAC',
    exceeds: meanAbove('cl2', 1, 2),
    bias: 0.1,
    sensors: { cl2: { ...CL2, t90S: 90 } },
    crew: { shifts: [SHIFT] },
  }),
  exposureCase({
    name: 'PC_STEL, one window',
    kind: 'PC_STEL',
    exceeds: meanAbove('co', 30, 15),
    bias: 1,
    shiftS: 900,
    sensors: { co: { ...CO, range: [0, 100] } },
    crew: { shifts: [{ ...SHIFT, end: '08:15' }] },
  }),
  exposureCase({
    name: 'MAC, one window',
    kind: 'MAC',
    exceeds: meanAbove('cl2', 1, 15),
    bias: 0.1,
    shiftS: 900,
    sensors: { cl2: { ...CL2, t90S: 7_200 } },
    crew: { shifts: [{ ...SHIFT, end: '08:15' }] },
  }),
  exposureCase({
    name: 'PEAK',
    kind: 'PEAK',
    exceeds: peakBroken('phenol', 10),
    sensors: { phenol: PHENOL },
    neverAccuses: true,
  }),
  exposureCase({
    name: 'MIXTURE',
    kind: 'MIXTURE',
    exceeds: () => false,
    post: { mixtures: [{ name: 'both', factors: ['carbon-monoxide', 'phenol'] }] },
    sensors: { co: CO, phenol: PHENOL },
    neverAccuses: true,
  }),
  exposureCase({ ...lex, name: 'LEX_8H', sensors: { laeq: NOISE } }),
  exposureCase({
    ...lex,
    name: 'LEX_8H, PRESENCE',
    sensors: { laeq: NOISE, gate: GATE },
    crew: PRESENCE,
  }),
  exposureCase({
    name: 'LEX_W',
    kind: 'LEX_W',
    shifts: 2,
    exceeds: levelAbove('laeq', 85, 40),
    bias: 1,
    sensors: { laeq: NOISE },
    crew: { daysPerWeek: 2, shifts: [{ ...SHIFT, days: [1, 2] }] },
  }),
  exposureCase({
    name: 'L_PEAK',
    kind: 'L_PEAK',
    exceeds: impulseAbove('lapeak', 'impulses'),
    bias: 0.5,
    sensors: {
      lapeak: { ...NOISE, range: [100, 150], uncertainty: 0.5 },
      impulses: { factor: 'noise', role: 'impulse-count', unit: 'count/min', range: [0, 20] },
    },
  }),
  exposureCase({
    name: 'L_PEAK, PRESENCE',
    kind: 'L_PEAK',
    exceeds: impulseAbove('lapeak', 'impulses'),
    sensors: {
      lapeak: { ...NOISE, range: [100, 150], uncertainty: 0.5 },
      impulses: { factor: 'noise', role: 'impulse-count', unit: 'count/min', range: [0, 20] },
      gate: GATE,
    },
    crew: PRESENCE,
  }),
  exposureCase({
    ...heat,
    name: 'WBGT',
    exceeds: heatAbove({ wbgt: 1 }),
    sensors: { wbgt: HEAT },
    crew: { shifts: [LONG_SHIFT] },
  }),
  exposureCase({
    ...heat,
    name: 'WBGT at three heights',
    exceeds: heatAbove({ abdomen: 0.5, head: 0.25, ankle: 0.25 }),
    crew: { shifts: [LONG_SHIFT] },
    sensors: {
      abdomen: HEAT,
      head: { ...HEAT, role: 'head' },
      ankle: { ...HEAT, role: 'ankle' },
    },
  }),
  exposureCase({
    ...heat,
    name: 'WBGT from its parts, PRESENCE',
    exceeds: heatAbove({ tnw: 0.7, tg: 0.3 }),
    sensors: { tnw: HEAT, tg: { ...HEAT, role: 'globe' }, gate: GATE },
    crew: { ...PRESENCE, shifts: [LONG_SHIFT] },
  }),
];
