import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { channel, hazard, runSite, type Site, series } from './site.ts';
import { DAY_SHIFT } from './world.ts';

const CO = { factor: 'carbon-monoxide' };
const WITH_BREAK = {
  ...DAY_SHIFT,
  end: '17:00',
  breaks: [{ from: '12:00', to: '13:00' }],
};
const site = (crew: object, rest: Partial<Site> = {}): Site => ({
  posts: [{ hazards: [hazard('carbon-monoxide', 'a')] }],
  crew: { shifts: [WITH_BREAK], ...crew },
  devices: { a: CO },
  ...rest,
});
const PERSONAL = { basis: 'PERSONAL' };
/** 4 h of work, the hour of the break, 4 h of work. */
const day = (work: number | null, pause: number | null) =>
  series({
    a: [
      [work, 240],
      [pause, 60],
      [work, 240],
    ],
  });

describe('PERSONAL: an instrument that goes where the worker goes', () => {
  it('counts what the worker met in the break, where a schedule does not', () => {
    const frames = day(1, 180);
    const carried = runSite(site(PERSONAL), frames).last('PC_TWA');
    expect(carried).toMatchObject({ basis: 'PERSONAL', verdict: 'exceeded', contactMinutes: 540 });
    expect(carried.window.lowerBound).toBeCloseTo(1 + 180 / 8, 9);
    const planned = runSite(site({ basis: 'SCHEDULE' }), frames).last('PC_TWA');
    expect(planned).toMatchObject({ verdict: 'within', contactMinutes: 480 });
    expect(planned.window.lowerBound).toBeCloseTo(1, 9);
  });

  it('accuses by itself: nothing about whose exposure it was is assumed', () => {
    expect(runSite(site(PERSONAL), day(30, 30)).last('PC_TWA')).toMatchObject({
      verdict: 'exceeded',
      caps: [],
    });
  });

  it('goes along from post to post', () => {
    const segments = [
      { post: 'post-1', from: '08:00', to: '12:00' },
      { post: 'post-2', from: '12:00', to: '16:00' },
    ];
    const moving = (crew: object): Site => ({
      ...site({ ...crew, shifts: [{ ...DAY_SHIFT, segments }] }),
      posts: [{ hazards: [hazard('carbon-monoxide', 'a')] }, { hazards: [hazard('ammonia', 'b')] }],
      devices: { a: CO, b: { factor: 'ammonia' } },
    });
    const frames = series({
      a: [
        [5, 240],
        [60, 240],
      ],
    });
    const carried = runSite(moving(PERSONAL), frames).last('PC_TWA');
    expect(carried).toMatchObject({ verdict: 'exceeded', contactMinutes: 480 });
    expect(carried.window.lowerBound).toBeCloseTo(32.5, 9);
    const planned = runSite(moving({ basis: 'SCHEDULE' }), frames).last('PC_TWA');
    expect(planned).toMatchObject({ verdict: 'within', contactMinutes: 240 });
  });

  it('taken off for the break, it saw nothing of it: 0 at the least, as the rest in the estimate', () => {
    const { window, coverage, verdict } = runSite(site(PERSONAL), day(16, null)).last('PC_TWA');
    expect(coverage).toBeCloseTo(480 / 540, 9);
    expect(window.lowerBound).toBeCloseTo(16, 9);
    expect(window.estimate).toBeCloseTo(18, 9);
    expect(verdict).toBe('within');
  });

  it('makes no long shift of a working day with its break', () => {
    const { details, notes } = runSite(site(PERSONAL), day(16, 16)).last('PC_TWA');
    expect(details).not.toHaveProperty('reductionFactor');
    expect(notes).not.toContain('long-shift');
  });

  it('judges PC-STEL, MAC, noise and heat over the whole shift', () => {
    const of = (factor: string, profile: object, post: object = {}): Site => ({
      ...site(PERSONAL),
      posts: [{ hazards: [hazard(factor, 'a')], ...post }],
      devices: { a: { factor, ...profile } },
    });
    const noise = { unit: 'dB(A)', range: [0, 140] };
    const heat = { unit: 'degC', range: [0, 60] };
    expect(runSite(site(PERSONAL), day(1, 40)).last('PC_STEL').verdict).toBe('exceeded');
    const sulfide = of('hydrogen-sulfide', {});
    expect(runSite(sulfide, day(1, 12)).last('MAC').verdict).toBe('exceeded');
    expect(runSite(of('noise', noise), day(60, 96)).last('LEX_8H').verdict).toBe('exceeded');
    const hot = of('wbgt', heat, { labourIntensity: 'III' });
    expect(runSite(hot, day(20, 33)).last('WBGT').verdict).toBe('exceeded');
    expect(runSite(hot, day(20, 30)).last('WBGT').verdict).toBe('within');
  });

  it('never accuses because data were lost, in breaks or out of them', () => {
    const heat: Site = {
      ...site(PERSONAL),
      posts: [{ labourIntensity: 'III', hazards: [hazard('wbgt', 'a')] }],
      devices: { a: { factor: 'wbgt', unit: 'degC', range: [0, 60] } },
    };
    const cases = [
      [site(PERSONAL), 'PC_TWA', [0, 20, 45]],
      [heat, 'WBGT', [20, 26, 33]],
    ] as const;
    let accused = 0;
    for (const [of, kind, levels] of cases) {
      const stretch = fc.tuple(fc.constantFrom(...levels), fc.integer({ min: 20, max: 200 }));
      fc.assert(
        fc.property(
          fc.array(stretch, { minLength: 1, maxLength: 6 }),
          fc.array(fc.tuple(fc.nat(539), fc.integer({ min: 1, max: 200 })), { maxLength: 4 }),
          (stretches, losses) => {
            const frames = series({ a: [...stretches] });
            const first = frames[0]!.at;
            const kept = frames.filter(
              ({ at }) =>
                !losses.some(([from, length]) => {
                  const minute = (at - first) / 60_000;
                  return from <= minute && minute < from + length;
                }),
            );
            if (runSite(of, kept).last(kind).verdict !== 'exceeded') return;
            accused++;
            expect(runSite(of, frames).last(kind).verdict).toBe('exceeded');
          },
        ),
        { numRuns: 40 },
      );
    }
    expect(accused).toBeGreaterThan(0);
  });

  it('still needs the instrument to be one: unspecific, uncertified or unknown U accuse nobody', () => {
    const frames = day(40, 40);
    const with_ = (profile: object): Site =>
      site(PERSONAL, { devices: { a: { ...CO, ...profile } } });
    expect(runSite(with_({ specific: false }), frames).last('PC_TWA').verdict).toBe('suspected');
    expect(runSite(with_({ uncertainty: null }), frames).last('PC_TWA').verdict).toBe('suspected');
  });

  it('takes the backup’s data in the estimate alone', () => {
    const of = site(PERSONAL, {
      posts: [{ hazards: [hazard('carbon-monoxide', 'a', { backup: channel('b') })] }],
      devices: { a: CO, b: CO },
    });
    const { window } = runSite(
      of,
      series({
        a: [
          [10, 300],
          [null, 240],
        ],
        b: [[10, 540]],
      }),
    ).last('PC_TWA');
    expect(window.lowerBound).toBeCloseTo((10 * 300) / 480, 9);
    expect(window.estimate).toBeCloseTo((10 * 540) / 480, 9);
  });
});
