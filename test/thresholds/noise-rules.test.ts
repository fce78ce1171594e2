import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ShiftSum } from '../../src/thresholds/rule-inputs.ts';
import { goldenVector, named } from './golden-vector.ts';
import { feed, judge, limitOf, type MinuteValues, profile, values } from './rule-case.ts';
import { DAY_START_MS, MIN } from './world.ts';

const DB = profile({ unit: 'dB(A)', range: [0, 200] });
const COUNT = profile({ unit: 'count/min', range: [0, 1e6] });
const impulses = [100, 1_000, 10_000].map((countMax, i) => ({
  countMax,
  limit: limitOf('L_PEAK', [140, 130, 120][i]!),
}));

const peak = (minutes: MinuteValues, counts: MinuteValues, metric = 'lapeak') =>
  judge({
    kind: 'L_PEAK',
    limit: 140,
    minutes,
    metric,
    profiles: [DB],
    further: [feed('n', { role: 'count', profiles: [COUNT], minutes: counts })],
    companions: { impulses },
  });
const counted = (n: number) =>
  values([
    [1, n % 480],
    [0, 480 - (n % 480)],
  ]).map((v) => v! + Math.floor(n / 480));

describe('impulse noise by number of impulses (GBZ 2.2-2007 table 10)', () => {
  it.each([
    [100, 140],
    [101, 130],
    [1_000, 130],
    [1_001, 120],
    [10_000, 120],
  ])('%i impulses a day: %i dB(A)', (n, limit) => {
    const result = peak(values([[limit, 480]]), counted(n));
    expect(result).toMatchObject({ verdict: 'within', limit: { value: limit } });
    expect(result.details!['impulses']).toBe(n);
    expect(peak(values([[limit + 0.1, 480]]), counted(n)).verdict).toBe('exceeded');
  });

  it('beyond 10,000 is judged as 10,000 and at most suspected', () => {
    expect(peak(values([[121, 480]]), counted(10_001))).toMatchObject({
      verdict: 'suspected',
      caps: ['impulses-above-10000'],
      limit: { value: 120 },
    });
  });

  it('is not evaluable from C-weighted peaks or without a count', () => {
    expect(peak(values([[150, 480]]), counted(10), 'lcpeak')).toMatchObject({
      verdict: 'indeterminate',
      caps: ['peak-not-a-weighted'],
    });
    const alone = judge({
      kind: 'L_PEAK',
      limit: 140,
      minutes: values([[150, 480]]),
      metric: 'lapeak',
      profiles: [DB],
      companions: { impulses },
    });
    expect(alone).toMatchObject({ verdict: 'indeterminate', caps: ['no-impulse-count'] });
  });

  it('a backup that saw a higher peak is no proof', () => {
    const result = judge({
      kind: 'L_PEAK',
      limit: 140,
      minutes: values([
        [100, 400],
        [null, 80],
      ]),
      metric: 'lapeak',
      profiles: [DB],
      combine: 'any',
      further: [
        feed('n', { role: 'count', profiles: [COUNT], minutes: counted(10) }),
        feed('b', { role: 'fallback', profiles: [DB], minutes: values([[150, 480]]) }),
      ],
      companions: { impulses },
    });
    expect(result).toMatchObject({ verdict: 'within', window: { lowerBound: 100 } });
  });

  it('gives the company the impulses that the count missed', () => {
    const half = counted(150).map((n, i) => (i % 2 === 0 ? n : null));
    expect(peak(values([[135, 480]]), half).verdict).not.toBe('exceeded');
    expect(peak(values([[135, 480]]), counted(150)).verdict).toBe('exceeded');
  });

  it('never makes `exceeded` out of something milder when peaks or counts are lost', () => {
    let accused = 0;
    const level = fc.constantFrom(100, 125, 135, 145);
    const lost = fc.array(fc.nat(59), { maxLength: 40 });
    fc.assert(
      fc.property(
        fc.array(level, { minLength: 60, maxLength: 60 }),
        fc.constantFrom(1, 3, 40),
        lost,
        lost,
        (levels, rate, lostLevels, lostCounts) => {
          const counts = values([[rate, 60]]);
          const without = (of: MinuteValues, indices: readonly number[]) =>
            of.map((value, i) => (indices.includes(i) ? null : value));
          const after = peak(without(levels, lostLevels), without(counts, lostCounts));
          if (after.verdict !== 'exceeded') return;
          accused++;
          expect(peak(levels, counts).verdict).toBe('exceeded');
        },
      ),
      { numRuns: 100 },
    );
    expect(accused).toBeGreaterThan(0);
  });

  it('higher peaks of the same number, or more of them within the table, are never milder', () => {
    const rank = ['exceeded', 'suspected', 'borderline', 'within', 'indeterminate'];
    const levels = fc.array(fc.option(fc.integer({ min: 100, max: 145 }), { freq: 5 }), {
      minLength: 60,
      maxLength: 60,
    });
    const rises = fc.array(fc.nat(30), { minLength: 60, maxLength: 60 });
    const rate = fc.constantFrom(1, 3, 40);
    fc.assert(
      fc.property(levels, rises, rate, rate, (low, rise, few, more) => {
        const high = low.map((value, i) => (value === null ? null : value + rise[i]!));
        const before = peak(low, values([[Math.min(few, more), 60]])).verdict;
        const after = peak(high, values([[Math.max(few, more), 60]])).verdict;
        expect(rank.indexOf(after)).toBeLessThanOrEqual(rank.indexOf(before));
      }),
      { numRuns: 100 },
    );
  });
});

const energy = (level: number, seconds: number): number => 10 ** (level / 10) * seconds;
const sum = (level: number, seconds: number, coveredSeconds = seconds): ShiftSum => ({
  startMs: 0,
  endMs: 1,
  contactSeconds: seconds,
  absentSeconds: 0,
  coveredSeconds,
  lower: energy(level, coveredSeconds),
  seen: energy(level, coveredSeconds),
  exposedSeconds: seconds,
  conflictSeconds: 0,
  inputHash: 'h',
});
const week = (minutes: MinuteValues, earlier: readonly ShiftSum[], days = 7, isLast = true) =>
  judge({
    kind: 'LEX_W',
    limit: 85,
    minutes,
    profiles: [DB],
    cycle: { days, hoursPerWeek: 48, isLast, earlier },
  });
type Numbers = Readonly<Record<string, number>>;
const numberOf = (id: string, name: string): number => goldenVector(id).expected[name] as number;
const times = <T>(n: number, of: T): T[] => Array.from({ length: n }, () => of);

describe('weekly form of LEX (GBZ 2.2-2007 11.2, GBZ/T 189.8)', () => {
  /** Days of 8 h at these levels. */
  const weekOf = (id: string) => {
    const levels = goldenVector(id).input['days'] as number[];
    const earlier = levels.slice(1).map((level) => sum(level, 28_800));
    return week(values([[levels[0]!, 480]]), earlier);
  };

  it(`${named('lex-week-5x85')}: divides by five days`, () => {
    const result = weekOf('lex-week-5x85');
    expect(result.window.lowerBound).toBeCloseTo(numberOf('lex-week-5x85', 'lexW'), 9);
    expect(result.verdict).toBe('within');
  });

  it(`${named('lex-week-6x84.5')}: six days exceed`, () => {
    const result = weekOf('lex-week-6x84.5');
    expect(result.window.lowerBound).toBeCloseTo(numberOf('lex-week-6x84.5', 'lexW'), 9);
    expect(goldenVector('lex-week-6x84.5').expected['pass']).toBe(false);
    expect(result.verdict).toBe('exceeded');
  });

  it(`${named('noise-12h-two-on-two-off')}: the weekly level`, () => {
    const { level, shiftH } = goldenVector('noise-12h-two-on-two-off').input as Numbers;
    // Two days on and two off: two shifts in a cycle of four days are 3.5 a week.
    const result = week(values([[level!, shiftH! * 60]]), [sum(level!, shiftH! * 3_600)], 4);
    const wanted = numberOf('noise-12h-two-on-two-off', 'lexWeek');
    expect(result.window.lowerBound).toBeCloseTo(wanted, 9);
  });

  it(`${named('noise-week-per-crew')}: each crew has its own week`, () => {
    const { level, shiftsPerWeek, crews } = goldenVector('noise-week-per-crew').input as Numbers;
    const weekdays = 7;
    // In as many weeks as there are crews each has had every shift of one week.
    const earlier = times(shiftsPerWeek! - 1, sum(level!, 28_800));
    const result = week(values([[level!, 480]]), earlier, weekdays * crews!);
    const wanted = numberOf('noise-week-per-crew', 'perCrewWeek');
    expect(result.window.lowerBound).toBeCloseTo(wanted, 9);
  });

  it('claims nothing before the last shift of the cycle while the sum may still stay below', () => {
    for (const level of [60, 84.5, 91.9]) {
      expect(week(values([[level, 480]]), [], 7, false)).toMatchObject({
        verdict: 'indeterminate',
        notes: ['cycle-running'],
      });
    }
  });

  it('is certain in the shift that brings the sum above, whatever comes after it', () => {
    // 8 h at 100 dB(A) alone are 93.01 dB(A) over the 40 h week.
    const first = week(values([[100, 480]]), [], 7, false);
    expect(first).toMatchObject({
      verdict: 'exceeded',
      notes: ['noise-work', 'cycle-running'].sort(),
    });
    expect(first.window.lowerBound).toBeCloseTo(100 - 10 * Math.log10(5), 9);
    // 10^10 · 480 min less than 2400 min · 10^8.5 until minute 76: 75.9.
    expect((first.certainAtMs! - DAY_START_MS) / MIN).toBe(76);
    const quiet = values([[60, 480]]);
    const before = sum(100, 28_800);
    expect(week(quiet, [before], 7, true).verdict).toBe('exceeded');
  });

  it('is said by the shift that brought it there and by the last, not by those between', () => {
    const before = sum(100, 28_800);
    const between = week(values([[100, 480]]), [before], 7, false);
    expect(between).toMatchObject({ verdict: 'indeterminate', notes: ['cycle-running'] });
    expect(week(values([[100, 480]]), [before], 7, true).verdict).toBe('exceeded');
  });

  it('a day never seen counts as 0 in the bound, and forbids `within` when it is too much', () => {
    const unseen = sum(0, 28_800, 0);
    const result = week(values([[80, 480]]), [sum(80, 28_800), unseen, unseen, unseen]);
    expect(result).toMatchObject({ verdict: 'indeterminate', window: { estimate: null } });
    expect(week(values([[90, 480]]), times(3, unseen)).verdict).toBe('indeterminate');
    expect(week(values([[95, 480]]), times(3, unseen)).verdict).toBe('exceeded');
  });

  it('without a roster is not evaluable', () => {
    const minutes = values([[100, 480]]);
    expect(judge({ kind: 'LEX_W', limit: 85, minutes, profiles: [DB] })).toMatchObject({
      verdict: 'indeterminate',
      caps: ['no-roster'],
    });
  });
});

describe('noise work and grades (GBZ/T 229.4-2012, information)', () => {
  const lex = (level: number) =>
    judge({ kind: 'LEX_8H', limit: 85, minutes: values([[level, 480]]), profiles: [DB] });

  it.each([
    [84.9, 0],
    [85.1, 1],
    [90.1, 2],
    [94.5, 2],
    [95.1, 3],
    [100.1, 4],
  ])('%f dB(A) is grade %i', (level, grade) => {
    expect(lex(level).details!['grade2294']).toBe(grade);
  });

  it('is noise work from 80 dB(A) on', () => {
    expect(lex(79.9).notes).toBeUndefined();
    expect(lex(80.01).notes).toEqual(['noise-work']);
  });
});
