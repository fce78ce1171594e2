import { describe, expect, it } from 'vitest';
import {
  reductionFactor,
  reductionFactorDay,
  reductionFactorWeek,
} from '../../src/thresholds/reduction-factor.ts';
import vectors from './golden-vectors.json' with { type: 'json' };
import { judge, values } from './rule-case.ts';

interface Vector {
  readonly id: string;
  readonly input: Readonly<Record<string, number>>;
  readonly expected: Readonly<Record<string, number>>;
  readonly source: string;
}
const all = vectors as unknown as readonly Vector[];
const like = (pattern: RegExp): readonly Vector[] => all.filter(({ id }) => pattern.test(id));

describe('reductionFactor() (Brief & Scala, GBZ 2.1-2019 A.7)', () => {
  it.each(like(/^rf-day-/))('$id ($source)', ({ input, expected }) => {
    expect(reductionFactorDay(input['hoursPerDay']!)).toBeCloseTo(expected['rf']!, 12);
  });

  it.each(like(/^rf-week-/))('$id ($source)', ({ input, expected }) => {
    expect(reductionFactorWeek(input['hoursPerWeek']!)).toBeCloseTo(expected['rf']!, 12);
  });

  it.each(like(/^rf-8h-never-above-1/))('$id ($source)', ({ input, expected }) => {
    expect(reductionFactorDay(input['hoursPerDay']!)).toBe(expected['rf']);
  });

  it.each(like(/^rf-benzene-12h/))('$id ($source)', ({ input, expected }) => {
    const { pcTwa, hoursPerDay } = input;
    expect(reductionFactorDay(hoursPerDay!) * pcTwa!).toBeCloseTo(expected['adjusted']!, 12);
  });

  it('is the smaller of both forms, never their product', () => {
    expect(reductionFactor(12, 48)).toBe(0.5);
    expect(reductionFactor(9, 84)).toBe(reductionFactorWeek(84));
  });

  it('is none for 8 h a day and 40 h a week', () => {
    expect(reductionFactor(8, 40)).toBeUndefined();
    expect(reductionFactor(8, undefined)).toBeUndefined();
    expect(reductionFactor(24, undefined)).toBeUndefined();
  });
});

const twelveHours = (ratio: number) =>
  judge({ kind: 'PC_TWA', limit: 20, minutes: values([[ratio * 20, 720]]) });

describe('PC-TWA of long shifts', () => {
  it.each(like(/^long-shift-12h/))('$id ($source): three numbers', ({ input, expected }) => {
    const result = twelveHours(input['ratio']!);
    expect(result.ratio).toBeCloseTo(expected['a_ctwa8_over_L']!, 9);
    const { shiftMeanOverReducedLimit, cTwa8OverReducedLimit } = result.details!;
    expect(shiftMeanOverReducedLimit).toBeCloseTo(expected['b_mean_over_RF_L']!, 9);
    expect(cTwa8OverReducedLimit).toBeCloseTo(expected['c_ctwa8_over_RF_L']!, 9);
  });

  it('0.6 L over 12 h is suspected by the mean, 0.5 L complies with it exactly', () => {
    expect(twelveHours(0.6)).toMatchObject({ verdict: 'suspected' });
    expect(twelveHours(0.6).notes).toContain('long-shift');
    expect(twelveHours(0.5)).toMatchObject({ verdict: 'within' });
    expect(twelveHours(0.5).notes).not.toContain('long-shift');
  });

  it('0.7 L over 12 h exceeds by C_TWA,8, which judges', () => {
    expect(twelveHours(0.7).verdict).toBe('exceeded');
  });

  it('of 8 h there are no further numbers', () => {
    const { details } = judge({ kind: 'PC_TWA', limit: 20, minutes: values([[10, 480]]) });
    expect(details).toEqual({ controlClass: 2 });
  });
});

describe('weekly form of PC-TWA', () => {
  const earlier = Array.from({ length: 5 }, (_, i) => ({
    startMs: i,
    endMs: i + 1,
    contactSeconds: 28_800,
    absentSeconds: 0,
    coveredSeconds: 28_800,
    lower: 18 * 28_800,
    seen: 18 * 28_800,
    exposedSeconds: 28_800,
    conflictSeconds: 0,
    inputHash: 'h',
  }));
  const week = (value: number, isLast = true) =>
    judge({
      kind: 'PC_TWA',
      limit: 20,
      minutes: values([[value, 480]]),
      cycle: { days: 7, hoursPerWeek: 48, isLast, earlier },
    });

  it('suspects six days of 0.9 L, which no day exceeds', () => {
    expect(week(18)).toMatchObject({ verdict: 'suspected' });
    expect(week(18).details!['weeklyEstimate']).toBeCloseTo((18 * 48) / 40, 9);
    expect(week(18).notes).toContain('weekly-form');
  });

  it('says nothing before the last shift of the week', () => {
    expect(week(10, false).notes ?? []).not.toContain('weekly-form');
  });

  it('never excuses a day above PC-TWA by quiet ones', () => {
    const quiet = earlier.map((shift) => ({ ...shift, lower: 0, seen: 0 }));
    const cycle = { days: 7, hoursPerWeek: 48, isLast: true, earlier: quiet };
    const minutes = values([[21, 480]]);
    expect(judge({ kind: 'PC_TWA', limit: 20, minutes, cycle }).verdict).toBe('exceeded');
  });
});
