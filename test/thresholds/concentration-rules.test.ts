import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { airFactor, normalVolume } from '../../src/thresholds/air-state.ts';
import {
  chemicalGrade,
  controlClass,
  steppedUp,
  stepsGradeUp,
} from '../../src/thresholds/control-class.ts';
import { dustRow, SILICA_DUST, silicaClass } from '../../src/thresholds/dust-class.ts';
import { loadLimitSet } from '../../src/thresholds/limits/limit-set.ts';
import { molarVolumeL, unitFactor } from '../../src/thresholds/limits/unit-factor.ts';
import vectors from './golden-vectors.json' with { type: 'json' };
import { feed, judge, limitOf, type MinuteValues, profile, values } from './rule-case.ts';

interface Vector {
  readonly id: string;
  readonly source: string;
  readonly input: Record<string, unknown>;
  readonly expected: Record<string, unknown>;
}
const all = vectors as unknown as readonly Vector[];
const like = (pattern: RegExp): readonly Vector[] => all.filter(({ id }) => pattern.test(id));

/** A mixture of channels, each read as its share of its limit. */
function mix(terms: readonly (readonly [minutes: MinuteValues, limit: number])[], abs = 0) {
  const [first, ...others] = terms.map(([minutes, limit]) => ({
    minutes,
    profiles: [profile({ unitFactor: 1 / limit, uncertainty: { abs, rel: 0 } })],
  }));
  return judge({
    kind: 'MIXTURE',
    limit: limitOf('MIXTURE', 1, { force: 'RECOMMENDED' }),
    ...first!,
    combine: 'any',
    further: others.map((other, i) => feed(`m${i}`, other)),
  });
}
const eightHours = (value: number | null): MinuteValues => values([[value, 480]]);

describe('mixture index Σ C/L', () => {
  it.each(like(/^mixture-/))('$id ($source)', ({ input, expected }) => {
    const pairs = input['pairs'] as readonly [number, number][];
    const result = mix(pairs.map(([c, limit]) => [eightHours(c), limit]));
    expect(result.window.lowerBound).toBeCloseTo(expected['index'] as number, 9);
    expect(result.verdict).toBe('within');
  });

  it('above 1 is suspected, never more', () => {
    expect(
      mix([
        [eightHours(11), 20],
        [eightHours(25), 50],
      ]),
    ).toMatchObject({
      verdict: 'suspected',
      caps: ['limit-recommended'],
    });
  });

  it('takes U as Σ Uᵢ/Lᵢ', () => {
    const result = mix(
      [
        [eightHours(5), 20],
        [eightHours(10), 50],
      ],
      2,
    );
    expect(result.uncertainty).toBeCloseTo(2 / 20 + 2 / 50, 12);
  });

  it('counts what one channel missed as 0, and estimates only where all were seen', () => {
    const result = mix([
      [eightHours(10), 20],
      [eightHours(null), 50],
    ]);
    expect(result.window).toMatchObject({ lowerBound: 0.5, estimate: null });
    expect(result.verdict).toBe('indeterminate');
  });

  it('never has a higher bound for having lost data', () => {
    const value = fc.integer({ min: 0, max: 60 });
    const series = fc.array(value, { minLength: 30, maxLength: 30 });
    fc.assert(
      fc.property(series, series, fc.array(fc.nat(59), { maxLength: 30 }), (a, b, lost) => {
        const without = (of: MinuteValues, shift: number) =>
          of.map((v, i) => (lost.includes(i + shift) ? null : v));
        const before = mix([
          [a, 20],
          [b, 50],
        ]);
        const after = mix([
          [without(a, 0), 20],
          [without(b, 30), 50],
        ]);
        expect(after.window.lowerBound).toBeLessThanOrEqual(before.window.lowerBound + 1e-12);
      }),
      { numRuns: 60 },
    );
  });
});

describe('classes and grades (information)', () => {
  it.each([
    [0.01, 0],
    [0.0101, 1],
    [0.1, 1],
    [0.11, 2],
    [0.5, 2],
    [0.51, 3],
    [1, 3],
    [1.01, 4],
  ])('%f of the limit is control class %i (GBZ 2.1-2019 6.5.1)', (ratio, found) => {
    expect(controlClass(ratio)).toBe(found);
    const result = judge({ kind: 'PC_TWA', limit: 20, minutes: eightHours(ratio * 20) });
    expect(result.details!['controlClass']).toBe(found);
  });

  it.each(like(/^grade229/))('$id ($source)', ({ input, expected }) => {
    const { WD, B, WL } = input as Record<string, number>;
    const { g, grade } = chemicalGrade(WD!, B!, WL!);
    expect(g).toBeCloseTo(expected['G'] as number, 9);
    expect(['0', 'I', 'II', 'III'][grade]).toBe(expected['grade']);
  });

  it.each([
    [0, 0],
    [1, 2],
    [2, 3],
    [3, 3],
  ])('grade %i steps up to %i', (grade, up) => expect(steppedUp(grade)).toBe(up));

  it.each([
    ['皮, G1', true],
    ['敏', true],
    ['G2A', true],
    ['G2B', false],
    [null, false],
  ])('notation %s steps a grade up: %s', (notation, does) => {
    expect(stepsGradeUp(notation)).toBe(does);
  });

  it('has no class for noise and heat', () => {
    const profiles = [profile({ unit: 'dB(A)', range: [0, 140] })];
    const noise = judge({ kind: 'LEX_8H', limit: 85, minutes: eightHours(80), profiles });
    expect(noise.details).not.toHaveProperty('controlClass');
  });

  it('notes the action level above half of the limit', () => {
    const at = (value: number) => judge({ kind: 'PC_TWA', limit: 20, minutes: eightHours(value) });
    expect(at(10).notes).toBeUndefined();
    expect(at(10.1).notes).toEqual(['action-level']);
  });
});

describe('nitrogen oxides both ways', () => {
  const nox = (no2: number, no: number) =>
    judge({
      kind: 'PC_TWA',
      limit: 5,
      minutes: eightHours(no2),
      profiles: [profile({ otherBasisFactor: 1 })],
      first: { role: 'proof', share: 1, intervals: null },
      combine: 'any',
      further: [
        feed('no', {
          minutes: eightHours(no),
          profiles: [profile({ otherBasisFactor: 46.006 / 30.006 })],
        }),
      ],
    });

  it('the measured masses judge', () => {
    expect(nox(3, 2.1)).toMatchObject({ verdict: 'exceeded', window: { lowerBound: 5.1 } });
  });

  it('the sum as NO2 gives suspected, and both numbers are in the result', () => {
    const result = nox(3, 1.9);
    expect(result).toMatchObject({ verdict: 'suspected', window: { lowerBound: 4.9 } });
    expect(result.details!['otherBasisLowerBound']).toBeCloseTo(3 + (1.9 * 46.006) / 30.006, 9);
    expect(result.notes).toContain('other-basis');
  });

  it('below both ways is within', () => {
    expect(nox(1, 1).verdict).toBe('within');
  });

  it('NO2 alone is a lower bound: staying below shows nothing', () => {
    const alone = (value: number) =>
      judge({ kind: 'PC_TWA', limit: 5, minutes: eightHours(value), partial: 'no-not-measured' });
    expect(alone(1)).toMatchObject({ verdict: 'indeterminate' });
    expect(alone(6)).toMatchObject({ verdict: 'exceeded' });
    expect(alone(6).notes).toContain('no-not-measured');
  });
});

describe('air of the instrument', () => {
  it.each(like(/^gbz159-v0/))('$id ($source)', ({ input, expected }) => {
    const { V, t, P } = input as Record<string, number>;
    expect(normalVolume(V!, t!, P!)).toBeCloseTo(expected['V0'] as number, 9);
  });

  it.each(like(/^conv-co-30/))('$id ($source)', ({ input, expected }) => {
    const { mgM3, M } = input as Record<string, number>;
    expect((mgM3! * molarVolumeL(20)) / M!).toBeCloseTo(expected['vm20C'] as number, 9);
  });

  it.each(like(/^as-x-/))('$id ($source): ppm by the mass of X', ({ id, input, expected }) => {
    const row = loadLimitSet().rows.find((one) => `as-x-${one.id}` === id)!;
    const { M, M_X } = input as Record<string, number>;
    expect(unitFactor(row, 'ppm', 'mg/m3')).toBeCloseTo(M_X! / molarVolumeL(20), 2);
    expect(M! / M_X!).toBeCloseTo(expected['overstatement'] as number, 9);
  });

  it.each(like(/^conv-(CO|H2S|NH3|SO2|NO2|Cl2|benzene|toluene)$/))(
    '$id ($source): 1 ppm at 0, 20 and 25 °C',
    ({ input, expected }) => {
      for (const celsius of [0, 20, 25]) {
        const mgPerM3 = (input['molarMass'] as number) / molarVolumeL(celsius);
        expect(mgPerM3).toBeCloseTo(expected[`at${celsius}C`] as number, 9);
      }
    },
  );

  it('a gas detector that writes mg/m³ at 25 °C is rebased to 20 °C', () => {
    const air = { temperatureC: 25, pressureKPa: 101.325 };
    expect(airFactor(air, false)).toBeCloseTo(24.465 / 24.055, 4);
    expect(airFactor('standard', false)).toBe(1);
  });

  it('a dust sample is normalised only outside 5 to 35 °C and 98.8 to 103.4 kPa', () => {
    expect(airFactor({ temperatureC: 35, pressureKPa: 98.8 }, true)).toBe(1);
    const factor = airFactor({ temperatureC: 35, pressureKPa: 95 }, true);
    expect(factor).toBeCloseTo(30 / 26.764079947692977, 9);
  });
});

describe('silica class from the laboratory', () => {
  it.each([
    [9.99, null],
    [10, '10-50'],
    [50, '10-50'],
    [50.01, '50-80'],
    [80, '50-80'],
    [80.01, 'above-80'],
  ])('%f %% of free SiO2', (percent, found) => {
    expect(silicaClass(percent)).toBe(found);
  });

  const report = (percent: number) => ({ percent, report: 'L-1', reportedOn: '2025-01-01' });

  it('chooses the row of the instrument’s fraction', () => {
    const found = dustRow(SILICA_DUST, report(60), 'respirable', undefined);
    expect(found).toEqual({ factor: 'silica-dust-50-80-respirable' });
  });

  it('below 10 % is other dust, of which only the total has a limit', () => {
    expect(dustRow(SILICA_DUST, report(5), 'total', undefined).factor).toBe('other-dust-total');
    expect(dustRow(SILICA_DUST, report(5), 'respirable', undefined)).toMatchObject({
      obstacle: 'no-limit-known',
    });
  });

  it('without a report is not evaluable, and caps a dust that must have less than 10 %', () => {
    expect(dustRow(SILICA_DUST, undefined, 'total', undefined).obstacle).toBe('no-silica-report');
    const coal = 'coal-dust-total' as typeof SILICA_DUST;
    expect(dustRow(coal, undefined, 'total', 'freeSiO2Percent<10').cap).toBe(
      'silica-share-unreported',
    );
    expect(dustRow(coal, report(30), 'total', 'freeSiO2Percent<10').factor).toBe(
      'silica-dust-10-50-total',
    );
  });
});
