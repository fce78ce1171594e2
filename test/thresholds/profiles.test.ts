import { describe, expect, it } from 'vitest';
import { loadLimitSet } from '../../src/thresholds/limits/limit-set.ts';
import { molarVolumeL, unitFactor } from '../../src/thresholds/limits/unit-factor.ts';
import {
  alarmSetPoints,
  loadAlarmProfiles,
} from '../../src/thresholds/profiles/alarm-set-points.ts';
import {
  additiveIndex,
  assess,
  heatLimitC,
  highestMean,
  noiseDose,
  type Segment,
  shiftMean,
} from '../../src/thresholds/profiles/assess.ts';
import table from '../../src/thresholds/profiles/en-689.json' with { type: 'json' };
import { en689 } from '../../src/thresholds/profiles/en-689.ts';
import { loadProfiles, parseProfile } from '../../src/thresholds/profiles/exposure-profile.ts';
import osha from '../../src/thresholds/profiles/osha-pel.json' with { type: 'json' };
import { levelOf, SHIFT_BASE_S } from '../../src/thresholds/quantity.ts';
import { named, goldenVector as vector } from './golden-vector.ts';

const segmentsOf = (id: string): Segment[] =>
  (vector(id).input['segments'] as [number, number][]).map(([value, hours]) => ({
    value,
    minutes: hours * 60,
  }));

const [OSHA, NIOSH] = loadProfiles() as [
  ReturnType<typeof loadProfiles>[number],
  ReturnType<typeof loadProfiles>[number],
];
const rowOf = (id: string) => OSHA.rows.find((row) => row.id === id)!;

describe('golden vectors of other profiles', () => {
  it(named('twa-osha-1910.1000d1'), () => {
    const { expected } = vector('twa-osha-1910.1000d1');
    const twa = shiftMean(segmentsOf('twa-osha-1910.1000d1'), OSHA.windows.TWA!.minutes);
    expect(twa).toBeCloseTo(expected['twa'] as number, 9);
    expect(twa <= (expected['limit'] as number)).toBe(expected['pass']);
  });

  it(named('mixture-osha-1910.1000d2'), () => {
    const { input, expected } = vector('mixture-osha-1910.1000d2');
    const index = additiveIndex(input['pairs'] as [number, number][]);
    expect(index).toBeCloseTo(expected['index'] as number, 9);
  });

  it(named('dose-osha-92'), () => {
    const pel = OSHA.doses.find(({ id }) => id === 'pel')!;
    const dose = noiseDose(segmentsOf('dose-osha-92'), pel);
    expect(dose).toBeCloseTo(vector('dose-osha-92').expected['dose'] as number, 9);
  });

  it(named('dose-niosh-100'), () => {
    const dose = noiseDose(segmentsOf('dose-niosh-100'), NIOSH.doses[0]!);
    expect(dose).toBeCloseTo(vector('dose-niosh-100').expected['nioshDose'] as number, 9);
  });

  it(named('niosh-heat'), () => {
    const { input, expected } = vector('niosh-heat');
    const limits = NIOSH.heat.map((curve) => heatLimitC(curve, input['M'] as number));
    expect(limits[0]).toBeCloseTo(expected['rel'] as number, 9);
    expect(limits[1]).toBeCloseTo(expected['ral'] as number, 9);
  });

  it(named('lex-iso9612-E'), () => {
    const { input, expected } = vector('lex-iso9612-E');
    const samples = input['samples'] as number[];
    const energy = samples.reduce((sum, level) => sum + 10 ** (level / 10), 0) / samples.length;
    expect(levelOf(energy)).toBeCloseTo(expected['lpAeqTe'] as number, 9);
    const seconds = (input['te'] as number) * 3_600;
    expect(levelOf((energy * seconds) / SHIFT_BASE_S)).toBeCloseTo(expected['lex8h'] as number, 9);
  });

  it(named('en689-6'), () => {
    const { input, expected } = vector('en689-6');
    const answer = en689(input['x'] as number[], input['oel'] as number);
    expect(answer).toMatchObject({ outcome: 'compliance' });
    if (!('ur' in answer)) throw new Error('no statistic');
    expect(answer.geometricMean).toBeCloseTo(expected['gm'] as number, 9);
    expect(answer.geometricStandardDeviation).toBeCloseTo(expected['gsd'] as number, 9);
    expect(answer.ur).toBeCloseTo(expected['ur'] as number, 9);
    expect(answer.ut).toBeCloseTo(expected['ut'] as number, 3);
  });

  it(named('en689-ut'), () => {
    const { input, expected } = vector('en689-ut');
    const ns = input['n'] as number[];
    expect(table.ut).toEqual(ns.map((n, i) => [n, (expected['ut'] as number[])[i]]));
    // By the definition: with 70 % confidence the factor is above the 95th percentile.
    for (const [n, ut] of [table.ut[0]!, table.ut[10]!, table.ut.at(-1)!]) {
      expect(confidence(n!, ut!), `n = ${n}`).toBeCloseTo(0.7, 3);
    }
  });
});

/** P(noncentral t of n − 1 degrees, shift z₀.₉₅ √n, ≤ ut √n), by summing over the spread. */
function confidence(n: number, ut: number): number {
  const degrees = n - 1;
  const shift = 1.6448536269514722 * Math.sqrt(n);
  const steps = 4_000;
  let probability = 0;
  let mass = 0;
  for (let i = 1; i < steps; i++) {
    const s = (3 * i) / steps;
    const density = s ** (degrees - 1) * Math.exp((-degrees * s * s) / 2);
    mass += density;
    probability += density * normal(ut * Math.sqrt(n) * s - shift);
  }
  return probability / mass;
}

/** Standard normal distribution by Simpson's rule. */
function normal(x: number): number {
  if (x < -8) return 0;
  if (x > 8) return 1;
  const steps = 200;
  const h = x / steps;
  let sum = 0;
  for (let i = 0; i <= steps; i++) {
    const weight = i === 0 || i === steps ? 1 : i % 2 === 1 ? 4 : 2;
    sum += weight * Math.exp(-((i * h) ** 2) / 2);
  }
  return 0.5 + (sum * h) / 3 / Math.sqrt(2 * Math.PI);
}

describe('en689()', () => {
  it.each([
    [[0.09, 0.02, 0.05], 'compliance'],
    [[0.1, 0.02, 0.05], 'more-measurements'],
    [[0.14, 0.12, 0.1, 0.02], 'compliance'],
    [[0.19, 0.12, 0.1, 0.02, 0.1], 'compliance'],
    [[0.02, 0.02, 1.1], 'non-compliance'],
    [[0.02, 0.02], 'more-measurements'],
    [[0.9, 0.2, 0.8, 0.3, 0.7, 0.5], 'non-compliance'],
  ])('of %j is %s', (results, outcome) => {
    expect(en689(results, 1).outcome).toBe(outcome);
  });
});

describe('the OSHA profile', () => {
  const steady = (value: number, minutes = 480): Segment[] => [{ value, minutes }];

  it('has its own windows and its own molar volume', () => {
    expect(OSHA.molarVolumeC).toBe(25);
    expect(Object.keys(OSHA.windows)).not.toContain('PC_TWA');
    const [answer] = assess(OSHA, rowOf('carbon-monoxide'), steady(30), 'mg/m3')!;
    // 24.465 L/mol: 26.2 ppm, where 20 °C would say 25.8.
    expect(answer!.value).toBeCloseTo(30 / (28.01 / molarVolumeL(25)), 9);
    expect(answer!.value).toBeCloseTo(26.2, 1);
  });

  it('takes what equals the limit as complying', () => {
    const isAbove = (value: number) =>
      assess(OSHA, rowOf('carbon-monoxide'), steady(value), 'ppm')!.map((a) => a.isAbove);
    expect(isAbove(50)).toEqual([false]);
    expect(isAbove(50.01)).toEqual([true]);
  });

  it('averages a STEL over 15 minutes and a ceiling over one', () => {
    const peak: Segment[] = [
      { value: 0, minutes: 60 },
      { value: 70, minutes: 1 },
      { value: 0, minutes: 60 },
    ];
    const benzene = assess(OSHA, rowOf('benzene'), peak, 'ppm')!;
    expect(benzene.map(({ kind, isAbove }) => [kind, isAbove])).toEqual([
      ['TWA', false],
      ['STEL', false],
    ]);
    const chlorine = assess(OSHA, rowOf('chlorine'), peak, 'ppm')!;
    expect(chlorine).toMatchObject([{ kind: 'CEILING', value: 70, isAbove: true }]);
  });

  it('allows a peak of table Z-2 for its minutes only', () => {
    const above = (value: number, minutes: number) =>
      assess(OSHA, rowOf('hydrogen-sulfide'), [{ value, minutes }], 'ppm')!
        .filter(({ kind }) => kind === 'PEAK')
        .map(({ isAbove }) => isAbove);
    expect(above(40, 10)).toEqual([false]);
    expect(above(40, 11)).toEqual([true]);
    expect(above(51, 1)).toEqual([true]);
  });

  it('says nothing in a unit that it cannot convert to', () => {
    expect(assess(OSHA, rowOf('lead'), steady(1), 'ppm')).toBeUndefined();
  });

  it('lets a short window hold what a shorter exposure sums up to', () => {
    expect(highestMean([{ value: 30, minutes: 5 }], 15)).toBe(10);
    expect(highestMean([], 15)).toBe(0);
  });

  it('names clause and source of every row, and takes nothing recalled as confirmed', () => {
    for (const { id, clause, source, confirmed } of OSHA.rows) {
      expect(clause, id).toMatch(/^1910\./);
      expect(confirmed && source.startsWith('memory'), id).toBe(false);
    }
  });

  it.each([
    ['a kind without a window', { windows: {} }],
    ['an id twice', { rows: [osha.rows[0], osha.rows[0]] }],
    ['a wrong CAS number', { rows: [{ ...osha.rows[0], cas: ['630-08-1'] }] }],
    ['a recalled row as confirmed', { rows: [{ ...osha.rows[0], source: 'memory' }] }],
  ])('refuses %s', (_, change) => {
    expect(() => parseProfile(osha)).not.toThrow();
    expect(() => parseProfile({ ...osha, ...change })).toThrow();
  });

  it('bundles nothing of ACGIH', () => {
    expect(JSON.stringify(loadProfiles())).not.toMatch(/acgih|tlv/i);
    expect(JSON.stringify(loadLimitSet())).not.toMatch(/acgih|tlv/i);
  });
});

describe('alarm set points', () => {
  const [gbzt223, gbt50493] = loadAlarmProfiles() as [
    ReturnType<typeof loadAlarmProfiles>[number],
    ReturnType<typeof loadAlarmProfiles>[number],
  ];
  const rows = loadLimitSet().rows;
  const row = (id: string) => rows.find((candidate) => candidate.id === id)!;
  const values = (profile: typeof gbzt223, id: string, idlh?: number) =>
    alarmSetPoints(profile, row(id), idlh)?.map(({ valueMgPerM3 }) => valueMgPerM3);

  it('of GBZ/T 223 are half of and the whole of MAC or PC-STEL, never PC-TWA', () => {
    expect(values(gbzt223, 'carbon-monoxide')).toEqual([15, 30, null]);
    expect(values(gbzt223, 'hydrogen-sulfide')).toEqual([5, 10, null]);
  });

  it('of GBZ/T 223 without PC-STEL take three times PC-TWA, and say so', () => {
    const only = rows.find(
      ({ limits }) =>
        limits.length === 1 && limits[0]!.kind === 'PC_TWA' && limits[0]!.unit === 'mg/m3',
    )!;
    const [first, second] = alarmSetPoints(gbzt223, only)!;
    expect(first).toMatchObject({ basis: '3 × PC_TWA' });
    expect(second!.valueMgPerM3).toBeCloseTo(3 * only.limits[0]!.value, 9);
  });

  it.each([
    ['carbon-monoxide', [20, 40]],
    ['ammonia', [20, 40]],
    ['hydrogen-sulfide', [10, 20]],
  ])('of GB/T 50493 for %s are %j, as its own table has them', (id, wanted) => {
    expect(values(gbt50493, id)).toEqual(wanted);
  });

  it('of GB/T 50493 take IDLH when the detector cannot measure so low', () => {
    expect(values(gbt50493, 'hydrogen-sulfide', 430)).toEqual([21.5, 43]);
  });

  it('are none for what has no limit in mg/m3', () => {
    const noise = rows.find(({ limits: [limit] }) => limit!.unit === 'dB(A)')!;
    expect(alarmSetPoints(gbzt223, noise)).toBeUndefined();
  });
});

describe('conversion of "as X" rows', () => {
  const find = (id: string) => loadLimitSet().rows.find((row) => row.id === id)!;

  it.each([
    ['as-x-nickel-carbonyl', 'nickel-carbonyl'],
    ['as-x-acetone-cyanohydrin', 'acetone-cyanohydrin'],
    ['as-x-tetraethyl-lead', 'tetraethyl-lead'],
    ['as-x-hydrogen-selenide', 'hydrogen-selenide'],
  ])('%s takes atoms × M(X): the compound would overstate as the vector says', (id, rowId) => {
    const row = find(rowId);
    const own = row.molarMass! / molarVolumeL(20);
    const wanted = vector(id).expected['overstatement'] as number;
    expect(own / unitFactor(row, 'ppm', 'mg/m3')! / wanted).toBeCloseTo(1, 4);
  });

  it('gives none where the atoms are not told', () => {
    expect(unitFactor(find('lead-fume'), 'ppm', 'mg/m3')).toBeNull();
  });

  it(named('conv-co-30'), () => {
    const { expected } = vector('conv-co-30');
    const ppm = 30 / unitFactor(find('carbon-monoxide'), 'ppm', 'mg/m3')!;
    expect(ppm).toBeCloseTo(expected['vm20C'] as number, 9);
  });
});
