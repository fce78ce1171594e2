import { describe, expect, it } from 'vitest';
import { loadLimitSet } from '../../src/thresholds/limits/limit-set.ts';
import { unitFactor } from '../../src/thresholds/limits/unit-factor.ts';
import { minutes, runDay } from './world.ts';

const gas = loadLimitSet().rows.find(({ factor }) => factor === 'carbon-monoxide')!;

describe('readings in micrograms and nanograms', () => {
  it('are a thousandth and a millionth of as many milligrams', () => {
    expect(unitFactor(gas, 'ug/m3', 'mg/m3')).toBeCloseTo(1e-3, 15);
    expect(unitFactor(gas, 'ng/m3', 'mg/m3')).toBeCloseTo(1e-6, 15);
    expect(unitFactor(gas, 'ug/m3', 'dB(A)')).toBeNull();
  });

  it.each([
    ['mg/m3', 1],
    ['ug/m3', 1e3],
    ['ng/m3', 1e6],
  ])('are judged in milligrams, also against what is not certain of them: %s', (unit, perMg) => {
    const world = { unit, range: [0, 500 * perMg] as const, uncertainty: { abs: perMg } };
    const frames = minutes([
      [25 * perMg, 480],
      [0, 5],
    ]);
    const { window, verdict } = runDay(world, frames).last('PC_TWA');
    expect(window.lowerBound).toBeCloseTo(25, 9);
    expect(verdict).toBe('exceeded');
    const unsure = { ...world, uncertainty: { abs: 6 * perMg } };
    expect(runDay(unsure, frames).last('PC_TWA').verdict).toBe('suspected');
  });
});
