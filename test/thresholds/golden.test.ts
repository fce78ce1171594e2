import { describe, expect, it } from 'vitest';
import type { LimitRow } from '../../src/model/limits.ts';
import { loadLimitSet } from '../../src/thresholds/limits/limit-set.ts';
import { molarVolumeL, unitFactor } from '../../src/thresholds/limits/unit-factor.ts';
import { levelOf, SHIFT_BASE_S } from '../../src/thresholds/quantity.ts';
import { named, goldenVector as vector } from './golden-vector.ts';
import { minutes, runDay, type WorldOptions } from './world.ts';

type Segments = readonly (readonly [number, number])[];

const inHours = (segments: Segments) => segments.map(([v, h]) => [v, Math.round(h * 60)] as const);

/** A day whose shift is exactly the segments long. */
function day(options: WorldOptions, segments: Segments, hours: number) {
  const end = `${String(8 + Math.floor(hours)).padStart(2, '0')}:${String((hours % 1) * 60).padStart(2, '0')}`;
  const shifts = [{ name: 'd', days: [1], start: '08:00', end }];
  return runDay({ ...options, shifts }, [...minutes(inHours(segments)), ...tail(hours)]);
}

const tail = (hours: number) =>
  minutes([
    [null, hours * 60 + 3],
    [0, 1],
  ]);

const NOISE: WorldOptions = { factor: 'noise', unit: 'dB(A)', range: [0, 140] };
const segmentsOf = (id: string): Segments => vector(id).input['segments'] as Segments;

describe('golden vectors of the rules', () => {
  const TWAS = ['twa-osha-1910.1000d1', 'twa-cn-ethyl-acetate'].map(
    (id) => [named(id), id] as const,
  );
  it.each(TWAS)('%s', (_, id) => {
    const segments = segmentsOf(id);
    const hours = segments.reduce((sum, [, h]) => sum + h, 0);
    const result = day({}, segments, hours).last('PC_TWA');
    expect(result.window.lowerBound).toBeCloseTo(vector(id).expected['twa'] as number, 9);
    expect(result.window.estimate).toBeCloseTo(vector(id).expected['twa'] as number, 9);
  });

  it(named('stel-5min'), () => {
    const [[value, count]] = segmentsOf('stel-5min') as [readonly [number, number]];
    const shifts = [{ name: 's', days: [1], start: '08:00', end: '08:05' }];
    const run = runDay({ shifts }, [...minutes([[value, count]]), ...tail(0.1)]);
    const { lowerBound } = run.last('PC_STEL').window;
    expect(lowerBound).toBeCloseTo(vector('stel-5min').expected['cste'] as number, 9);
  });

  it(named('lex-hse-fig26'), () => {
    const result = day(NOISE, segmentsOf('lex-hse-fig26'), 7.75).last('LEX_8H');
    const wanted = vector('lex-hse-fig26').expected['lex8h'] as number;
    expect(result.window.lowerBound).toBeCloseTo(wanted, 9);
  });

  it(named('lex-iso9612-D'), () => {
    const levels = vector('lex-iso9612-D').expected['taskLevels'] as number[];
    const hours = (vector('lex-iso9612-D').input['tasks'] as [unknown, number][]).map(([, h]) => h);
    const segments = levels.map((level, i) => [level, hours[i]!] as const);
    const result = day(NOISE, segments, 8).last('LEX_8H');
    const wanted = vector('lex-iso9612-D').expected['lex8h'] as number;
    expect(result.window.lowerBound).toBeCloseTo(wanted, 9);
  });

  it(named('lex-iso9612-F'), () => {
    const samples = vector('lex-iso9612-F').input['samples'] as number[];
    const te = vector('lex-iso9612-F').input['te'] as number;
    // The same share of the shift for each sample: 92.5 min, so a shift six times as long in steps.
    const mean = levelOf(samples.reduce((sum, level) => sum + 10 ** (level / 10), 0) / 6);
    const result = day(NOISE, [[mean, te]], te).last('LEX_8H');
    const wanted = vector('lex-iso9612-F').expected['lex8h'] as number;
    expect(result.window.lowerBound).toBeCloseTo(wanted, 9);
  });

  it(named('lex-3.2Pa2h'), () => {
    // E = p0² · 8 h · 10^(0.1 LEX), p0 = 20 µPa.
    const pascalSquaredHours = vector('lex-3.2Pa2h').input['E'] as number;
    const energy = (pascalSquaredHours / 20e-6 ** 2) * 3_600;
    const wanted = vector('lex-3.2Pa2h').expected['lex8h'] as number;
    expect(levelOf(energy / SHIFT_BASE_S)).toBeCloseTo(wanted, 9);
  });

  it(named('lex-3dB-table'), () => {
    const hours = vector('lex-3dB-table').input['hours'] as number[];
    const levels = vector('lex-3dB-table').expected['levels'] as number[];
    for (const [i, h] of hours.entries()) {
      const result = day(NOISE, [[levels[i]!, h]], h).last('LEX_8H');
      expect(result.window.lowerBound).toBeCloseTo(85, 9);
      // 85 exactly complies, whatever the level that gives it.
      expect(result.verdict).toBe('borderline');
    }
  });

  it(named('contact-share'), () => {
    const { expected } = vector('contact-share');
    const scaled = segmentsOf('contact-share').map(([v, h]) => [v * 20, h] as const);
    const full = day({}, scaled, 8).last('PC_TWA');
    expect(full.window.lowerBound / 20).toBeCloseTo(expected['fullShiftTwaOverL'] as number, 9);
    const declared = day({ basis: 'DECLARED_MINUTES', declaredMinutes: 60 }, scaled, 8);
    const { lowerBound, estimate } = declared.last('PC_TWA').window;
    expect(lowerBound / 20).toBeCloseTo(expected['lowerBoundLowestMinutes'] as number, 9);
    expect(estimate! / 20).toBeCloseTo(expected['shareTimesMean'] as number, 9);
  });

  it(named('noise-12h-two-on-two-off'), () => {
    const { input, expected } = vector('noise-12h-two-on-two-off');
    const result = day(NOISE, [[input['level'] as number, 12]], 12).last('LEX_8H');
    expect(result.window.lowerBound).toBeCloseTo(expected['lex8h'] as number, 9);
  });

  it.each(['long-shift-12h-0.6', 'long-shift-12h-0.7'])('%s: C_TWA,8 / L judges', (id) => {
    const { input, expected } = vector(id);
    const shift: Segments = [[(input['ratio'] as number) * 20, 12]];
    const result = day({}, shift, 12).last('PC_TWA');
    expect(result.ratio).toBeCloseTo(expected['a_ctwa8_over_L'] as number, 9);
  });

  it(named('noise-dose-ratio'), () => {
    const { input, expected } = vector('noise-dose-ratio');
    const result = day(NOISE, [[input['lex'] as number, 8]], 8).last('LEX_8H');
    expect(result.ratio).toBeCloseTo(expected['doseRatio'] as number, 9);
    expect(result.difference).toBeCloseTo(8.5, 9);
  });

  const HEAT: WorldOptions = {
    factor: 'wbgt',
    unit: 'degC',
    range: [0, 60],
    uncertainty: { abs: 0 },
    labourIntensity: 'III',
  };

  it(named('wbgt-tw'), () => {
    const segments = segmentsOf('wbgt-tw').map(([v, min]) => [v, min / 60] as const);
    const result = day(HEAT, segments, 3).last('WBGT');
    expect(result.window.lowerBound).toBeCloseTo(vector('wbgt-tw').expected['wbgt'] as number, 9);
  });

  it(named('wbgt-gap'), () => {
    const { input, expected } = vector('wbgt-gap');
    const [[seen, hours]] = input['seen'] as [[number, number]];
    const result = day(HEAT, [[seen, hours]], 8).last('WBGT');
    expect(result.verdict).toBe(expected['verdictNotMoreThan']);
    // The most favourable completion is the one that the case was made for: 2 h of rest, limit 28.
    expect(result.window.lowerBound).toBeCloseTo(expected['mean0Filled'] as number, 9);
    expect(result.details?.['lowerBoundLimit']).toBe(28);
  });
});

describe('golden vectors of conversion', () => {
  const conversions: readonly (readonly [string, string])[] = [
    ['conv-CO', 'carbon-monoxide'],
    ['conv-H2S', 'hydrogen-sulfide'],
    ['conv-NH3', 'ammonia'],
    ['conv-Cl2', 'chlorine'],
    ['conv-benzene', 'benzene'],
    ['conv-toluene', 'toluene'],
  ];
  const row = (id: string): LimitRow => {
    const found = loadLimitSet().rows.find((candidate) => candidate.id === id);
    if (found === undefined) throw new Error(`no row ${id}`);
    return found;
  };

  it.each(conversions)('%s: 1 ppm of %s at 20 °C', (id, factor) => {
    const wanted = vector(id).expected['at20C'] as number;
    expect(unitFactor(row(factor), 'ppm', 'mg/m3')! / wanted).toBeCloseTo(1, 4);
  });

  it(named('conv-volume'), () => {
    const { expected } = vector('conv-volume');
    expect(molarVolumeL(0)).toBeCloseTo(expected['0C_101.325'] as number, 9);
    expect(molarVolumeL(20)).toBeCloseTo(expected['20C_101.325'] as number, 9);
    expect(molarVolumeL(25)).toBeCloseTo(expected['25C_101.325'] as number, 9);
  });

  it(`${named('as-x-nickel-carbonyl')} is never converted by the compound's mass`, () => {
    const { overstatement } = vector('as-x-nickel-carbonyl').expected as { overstatement: number };
    const byCompound = 170.734 / molarVolumeL(20);
    const asNickel = unitFactor(row('nickel-carbonyl'), 'ppm', 'mg/m3')!;
    expect(byCompound / asNickel).toBeCloseTo(overstatement, 9);
    const own = row('hydrogen-fluoride');
    expect(unitFactor(own, 'ppm', 'mg/m3')).toBeCloseTo(18.998 / molarVolumeL(20), 9);
  });
});
