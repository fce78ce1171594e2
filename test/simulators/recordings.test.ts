import { describe, expect, it } from 'vitest';
import {
  parseWallTime,
  type Recording,
  readRecording,
} from '../../simulators/recordings/reader.ts';

const present = (values: Float64Array): number[] => [...values].filter((v) => !Number.isNaN(v));
const maxOf = (values: readonly number[]): number => values.reduce((a, b) => Math.max(a, b));
const stepsS = ({ wallMs }: Recording): Set<number> =>
  new Set([...wallMs.subarray(1)].map((ms, at) => (ms - wallMs[at]!) / 1_000));

describe('the noise recording', () => {
  const noise = readRecording('noise-laeq-1s');
  const levels = present(noise.columns['laeqDbA']!);

  it('has 50,400 seconds from 06:00 to 20:00 without a hole', () => {
    expect(noise.wallMs.length).toBe(50_400);
    expect(noise.wallMs[0]).toBe(Date.UTC(2025, 2, 22, 6));
    expect(noise.wallMs.at(-1)).toBe(Date.UTC(2025, 2, 22, 19, 59, 59));
    expect(stepsS(noise)).toEqual(new Set([1]));
    expect(levels.length).toBe(50_400);
  });

  it('reaches 75.9 dB(A), and 50.0 dB(A) in the energy mean', () => {
    expect(maxOf(levels)).toBeCloseTo(75.9, 1);
    const energy = levels.reduce((sum, level) => sum + 10 ** (level / 10), 0) / levels.length;
    expect(10 * Math.log10(energy)).toBeCloseTo(50.0, 1);
  });
});

describe('the air quality recording', () => {
  const air = readRecording('air-quality-1h');

  it('has 9,357 hours, read month first, without a hole', () => {
    expect(air.wallMs.length).toBe(9_357);
    expect(air.wallMs[0]).toBe(Date.UTC(2004, 2, 10, 18));
    expect(air.wallMs.at(-1)).toBe(Date.UTC(2005, 3, 4, 14));
    expect(stepsS(air)).toEqual(new Set([3_600]));
  });

  it('reads −200 as missing in every column', () => {
    const missing = Object.values(air.columns).map(
      (values) => values.length - present(values).length,
    );
    expect(missing).toEqual([1_683, 1_642, 366, 366]);
    for (const values of Object.values(air.columns)) expect([...values]).not.toContain(-200);
  });

  it('reaches 11.9 mg/m3 of CO', () => {
    expect(maxOf(present(air.columns['coMgPerM3']!))).toBe(11.9);
  });
});

describe('the WBGT recording', () => {
  const wbgt = readRecording('wbgt-1min');

  it('has 1,987 rows at an irregular step', () => {
    expect(wbgt.wallMs.length).toBe(1_987);
    expect(stepsS(wbgt)).toEqual(new Set([59, 60, 61, 650]));
  });

  it('reaches 30.72 °C and reads the column of WBGT, not its neighbours', () => {
    expect(maxOf(present(wbgt.columns['wbgtDegC']!))).toBe(30.72);
    expect(Object.keys(wbgt.columns)).toEqual(['temperatureDegC', 'humidityPercent', 'wbgtDegC']);
    expect(Object.values(wbgt.columns).map((values) => values[0])).toEqual([28.36, 67.14, 24.96]);
  });
});

describe('parseWallTime()', () => {
  it('reads year first and month first', () => {
    expect(parseWallTime('2025-03-22 06:00:00')).toBe(Date.UTC(2025, 2, 22, 6));
    expect(parseWallTime('3/10/2004 18:00:00')).toBe(Date.UTC(2004, 2, 10, 18));
  });

  it('refuses anything else', () => {
    expect(() => parseWallTime('22.03.2025 06:00')).toThrow('Cannot read a wall time');
  });
});
