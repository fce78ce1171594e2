import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type MinuteLevel,
  readExcursions,
  readRepetition,
} from '../../src/thresholds/excursion.ts';
import { goldenVector, named } from './golden-vector.ts';
import { judge, limitOf, type MinuteValues, profile, values } from './rule-case.ts';

/** 3 × PC-TWA 20; 5 × is 100. */
const PEAK = limitOf('PEAK', 60, { force: 'RECOMMENDED' });
const peak = (minutes: MinuteValues, limit = PEAK) => judge({ kind: 'PEAK', limit, minutes });
/** The rule as it would be if it were mandatory: to see what is certain. */
const certain = (minutes: MinuteValues) => peak(minutes, limitOf('PEAK', 60));

describe('peak rule (GBZ 2.1-2019 6.3.3)', () => {
  it(`${named('pe-1')}: 3 × and 5 × of DMF`, () => {
    const { threshold3x, ceiling5x } = goldenVector('pe-1').expected as Record<string, number>;
    const once = (value: number, minutes: number) =>
      peak(
        values([
          [value, minutes],
          [0, 480 - minutes],
        ]),
        limitOf('PEAK', 3 * (goldenVector('pe-1').input['pcTwa'] as number), {
          force: 'RECOMMENDED',
        }),
      );
    expect(once(threshold3x!, 480)).toMatchObject({ verdict: 'within' });
    expect(once(threshold3x! + 0.1, 15).notes).toEqual(['peak-above-3x']);
    expect(once(ceiling5x!, 1).notes).toEqual(['peak-above-3x']);
    expect(once(ceiling5x! + 0.1, 1)).toMatchObject({
      verdict: 'suspected',
      notes: ['peak-ceiling'],
    });
  });

  it('lets 15 min pass and not 16', () => {
    expect(
      peak(
        values([
          [70, 15],
          [0, 465],
        ]),
      ).verdict,
    ).toBe('within');
    expect(
      peak(
        values([
          [70, 16],
          [0, 464],
        ]),
      ),
    ).toMatchObject({
      verdict: 'suspected',
      notes: ['peak-duration'],
    });
  });

  it('lets 4 times pass and not 5', () => {
    const times = (n: number) =>
      values([
        ...Array.from(
          { length: n },
          () =>
            [
              [70, 5],
              [0, 60],
            ] as const,
        ).flat(),
        [0, 400],
      ]);
    expect(peak(times(4)).verdict).toBe('within');
    expect(peak(times(5))).toMatchObject({ verdict: 'suspected', notes: ['peak-count'] });
  });

  it('needs 60 min between two', () => {
    const apart = (gap: number) =>
      values([
        [70, 5],
        [0, gap],
        [70, 5],
        [0, 400],
      ]);
    expect(peak(apart(60)).verdict).toBe('within');
    expect(peak(apart(59))).toMatchObject({ verdict: 'suspected', notes: ['peak-spacing'] });
  });

  it('a dip of 4 min is no end, of 5 it is', () => {
    const dip = (minutes: number) =>
      peak(
        values([
          [70, 8],
          [0, minutes],
          [70, 8],
          [0, 400],
        ]),
      );
    expect(dip(4)).toMatchObject({ notes: ['peak-duration'], details: { peakEpisodes: 1 } });
    expect(dip(5)).toMatchObject({ notes: ['peak-spacing'], details: { peakEpisodes: 2 } });
  });

  it(`${named('peak-rule-hole')}: makes no second episode`, () => {
    const { input, expected } = goldenVector('peak-rule-hole');
    const { minutesAbove, holeMinutes } = input as Record<string, number>;
    const result = peak(
      values([
        [70, minutesAbove! / 2],
        [null, holeMinutes!],
        [70, minutesAbove! / 2],
        [0, 480 - minutesAbove! - holeMinutes!],
      ]),
    );
    expect(result).toMatchObject({
      verdict: 'within',
      notes: ['peak-above-3x'],
      details: { peakEpisodes: expected['episodes'] },
    });
  });

  it('is recommended, so never more than suspected', () => {
    expect(peak(values([[500, 480]]))).toMatchObject({
      verdict: 'suspected',
      caps: ['limit-recommended'],
    });
  });

  it('takes the confirmation mean over T90', () => {
    const minutes = values([
      [250, 1],
      [0, 479],
    ]);
    const slow = judge({ kind: 'PEAK', limit: PEAK, minutes, profiles: [profile({ t90S: 300 })] });
    expect(slow.window.lowerBound).toBe(50);
    expect(slow.verdict).toBe('within');
  });

  it('claims nothing of minutes not seen', () => {
    expect(
      peak(
        values([
          [70, 10],
          [null, 470],
        ]),
      ),
    ).toMatchObject({ verdict: 'indeterminate' });
  });

  it('never makes `exceeded` out of something milder when minutes are lost', () => {
    let accused = 0;
    const stretch = fc.tuple(fc.constantFrom(0, 30, 65, 90, 110), fc.integer({ min: 1, max: 70 }));
    const lost = fc.tuple(fc.nat(300), fc.integer({ min: 1, max: 60 }));
    fc.assert(
      fc.property(
        fc.array(stretch, { minLength: 1, maxLength: 12 }),
        fc.array(lost, { minLength: 1, maxLength: 5 }),
        (stretches, losses) => {
          const all = values(stretches);
          const kept = all.map((value, i) =>
            losses.some(([from, length]) => i >= from && i < from + length) ? null : value,
          );
          if (certain(kept).verdict !== 'exceeded') return;
          accused++;
          expect(certain(all).verdict).toBe('exceeded');
        },
      ),
      { numRuns: 200, examples: [[[[90, 60]], [[20, 10]]]] },
    );
    expect(accused).toBeGreaterThan(0);
  });
});

/** Once more, minute by minute and slow: what each episode is, from its definition. */
function obviousExcursions(levels: readonly MinuteLevel[]) {
  const ends = (i: number): boolean =>
    i >= 4 && levels.slice(i - 4, i + 1).every((level) => level === 'below');
  const groups: number[][] = [];
  let isNew = true;
  for (let i = 0; i < levels.length; i++) {
    if (ends(i)) isNew = true;
    if (levels[i] !== 'above') continue;
    if (isNew) groups.push([]);
    groups.at(-1)!.push(i);
    isNew = false;
  }
  return groups.map((minutes) => {
    let longestMinutes = 0;
    for (const a of minutes) {
      for (const b of minutes) {
        if (b >= a && !levels.slice(a, b).includes('unknown')) {
          longestMinutes = Math.max(longestMinutes, b - a + 1);
        }
      }
    }
    return { first: minutes[0], last: minutes.at(-1), longestMinutes };
  });
}

describe('readExcursions()', () => {
  it('is what the slow definition gives', () => {
    const level = fc.constantFrom<MinuteLevel>('above', 'below', 'below', 'below', 'unknown');
    fc.assert(
      fc.property(fc.array(level, { maxLength: 80 }), (levels) => {
        expect(readExcursions(levels)).toEqual(obviousExcursions(levels));
      }),
      { numRuns: 500 },
    );
  });

  it('says nothing of the time between when there is only one', () => {
    expect(readRepetition(readExcursions(['above'])).gapMinutesMin).toBeNull();
  });
});

describe('repetition of PC-STEL', () => {
  const stel = (minutes: MinuteValues, pcTwa?: number) =>
    judge({
      kind: 'PC_STEL',
      limit: 30,
      minutes,
      ...(pcTwa === undefined ? {} : { companions: { pcTwa } }),
    });
  const five = values([
    ...Array.from(
      { length: 5 },
      () =>
        [
          [25, 5],
          [0, 70],
        ] as const,
    ).flat(),
  ]);

  it('five periods above PC-TWA are for attention, and claim nothing', () => {
    expect(stel(five, 20)).toMatchObject({ verdict: 'within', details: { stelPeriods: 5 } });
    expect(stel(five, 20).notes).toContain('stel-repetition');
  });

  it('four are not', () => {
    expect(stel(five.slice(75), 20).notes ?? []).not.toContain('stel-repetition');
  });
});
