import { describe, expect, it } from 'vitest';
import type { Standing } from '../../src/model/exposure.ts';
import type { LimitKind } from '../../src/model/limits.ts';
import {
  createEngine,
  DEFAULT_ENGINE_SETTINGS,
  restoreEngine,
} from '../../src/thresholds/engine.ts';
import { PROJECTION_MINUTES_MIN } from '../../src/thresholds/projection.ts';
import { channel, hazard, journalOf, runSite, type Site, series } from './site.ts';
import { CO, HEIGHTS_SITE, MIXTURE_SITE, meanSite, NOX_SITE } from './sites.ts';
import {
  DAY,
  DAY_SHIFT,
  DAY_START_MS,
  HOUR,
  MIN,
  minutes,
  type Run,
  runEntries,
  type TestFrame,
} from './world.ts';

const NOISE = { factor: 'noise', unit: 'dB(A)', range: [0, 140] };

const minuteOf = (atMs: number): number => (atMs - DAY_START_MS) / MIN;

/** Minutes of the shift at which an exceedance of a kind was told before its end. */
const certainAt = ({ signals }: Run, kind: LimitKind): number[] =>
  signals.flatMap((s) =>
    s.kind === 'OVER_LIMIT' && !s.final && s.result.subject.limitKind === kind
      ? [minuteOf(s.atMs)]
      : [],
  );

const warnedAt = ({ signals }: Run, kind: LimitKind): number[] =>
  signals.flatMap((s) =>
    s.kind === 'EARLY_WARNING' && s.standing.subject.limitKind === kind ? [minuteOf(s.atMs)] : [],
  );

const standingsOf = ({ outputs }: Run, kind: LimitKind): Standing[] =>
  outputs.flatMap((o) =>
    o.kind === 'standing' && o.standing.subject.limitKind === kind ? [o.standing] : [],
  );

/** The same with batches of a few minutes. */
const liveSite = (site: Site, frames: readonly TestFrame[]): Run =>
  runEntries(journalOf(site, frames, [], 10));

/** A value throughout the shift from each device. */
const constant = (of: Readonly<Record<string, number>>) =>
  series(
    Object.fromEntries(Object.entries(of).map(([id, value]) => [id, [[value, 480]] as const])),
  );

describe('a rule that several channels make together', () => {
  it.each([
    // The mean is 50: 480 · 20 / 50 min.
    ['PC_TWA', meanSite('carbon-monoxide', CO), { a: 40, b: 60 }, 193],
    // 50 mg/m³ for t of 15 min: above 30 after 9 min.
    ['PC_STEL', meanSite('carbon-monoxide', CO), { a: 40, b: 60 }, 10],
    // Masses as measured: 3 + 4 = 7 of 5 mg/m³.
    ['PC_TWA', NOX_SITE, { a: 3, b: 4 }, 343],
    // 95 dB(A): a tenth of 8 h.
    ['LEX_8H', meanSite('noise', NOISE), { a: 95, b: 95 }, 49],
    // 32 °C. With h min of it, 6 h of contact at the least favourable: 25 + 7 h / 360 > 28.
    ['WBGT', HEIGHTS_SITE, { a: 32, b: 34, c: 30 }, 155],
  ] as const)('is certain of %s at the minute that decides it', (kind, site, values, minute) => {
    expect(certainAt(runSite(site, constant(values)), kind)).toEqual([minute]);
  });

  it('is shown, and warns by its projection half an hour after the shift began', () => {
    // 30/50 + 180/300 = 1.2.
    const run = liveSite(MIXTURE_SITE, constant({ a: 30, b: 180 }));
    expect(warnedAt(run, 'MIXTURE')).toEqual([PROJECTION_MINUTES_MIN]);
    const standings = standingsOf(run, 'MIXTURE');
    const at = (minute: number): Standing =>
      standings.find(({ asOfMs }) => minuteOf(asOfMs) >= minute)!;
    expect(at(1)).toMatchObject({ state: 'below', projected: null });
    expect(at(60).current).toBeCloseTo((1.2 * minuteOf(at(60).asOfMs)) / 480, 9);
    expect(at(60).projected).toBeCloseTo(1.2, 9);
    expect(at(60).state).toBe('near');
    expect(at(440).state).toBe('over');
    // Recommended: never more than suspected, so nothing is ever certain.
    expect(certainAt(run, 'MIXTURE')).toEqual([]);
    expect(run.last('MIXTURE').verdict).toBe('suspected');
  });

  it('stands where its window stands, not where its worst one did', () => {
    const run = liveSite(
      meanSite('carbon-monoxide', CO),
      series({
        a: [
          [50, 60],
          [1, 420],
        ],
        b: [
          [50, 60],
          [1, 420],
        ],
      }),
    );
    const states = standingsOf(run, 'PC_STEL').map(({ state }) => state);
    expect(states).toContain('over');
    expect(states.at(-1)).toBe('below');
  });

  it('is shown for a crew with a presence record, over its presence', () => {
    const site: Site = {
      posts: [{ hazards: [hazard('carbon-monoxide', 'a')] }],
      crew: { basis: 'PRESENCE', presence: channel('p') },
      devices: { a: CO, p: { factor: 'presence', unit: '1', range: [0, 1] } },
    };
    const run = liveSite(
      site,
      series({
        a: [[30, 480]],
        p: [
          [1, 120],
          [0, 360],
        ],
      }),
    );
    // Present for two hours at 30: 7.5 of 20, whatever is projected while they are there.
    const last = standingsOf(run, 'PC_TWA').at(-1)!;
    expect(last.current).toBeCloseTo(7.5, 9);
    expect(last.projected).toBeCloseTo(7.5 + (30 * (480 - minuteOf(last.asOfMs))) / 480, 9);
    expect(certainAt(run, 'PC_TWA')).toEqual([]);
  });

  it('gives the same after a restore at any point', () => {
    const entries = journalOf(NOX_SITE, constant({ a: 3, b: 4 }));
    const whole = runEntries(entries).outputs;
    for (const cut of [6, 10, 14]) {
      const engine = createEngine(DEFAULT_ENGINE_SETTINGS);
      const before = entries.slice(0, cut).flatMap((entry) => engine.step(entry));
      const restored = restoreEngine(engine.checkpoint(), DEFAULT_ENGINE_SETTINGS);
      if (!restored.ok) throw new Error(restored.detail);
      const after = entries.slice(cut).flatMap((entry) => restored.value.step(entry));
      expect([...before, ...after]).toEqual(whole);
    }
  });
});

describe('a projection', () => {
  const single = (segments: Parameters<typeof series>[0]['a'], crew: object = {}) =>
    runSite(
      { posts: [{ hazards: [hazard('carbon-monoxide', 'a')] }], crew, devices: { a: CO } },
      series({ a: segments }),
    );

  it('warns long before half of the limit is reached', () => {
    // Half of 20 mg/m³ is reached after 192 min.
    expect(warnedAt(single([[25, 480]]), 'PC_TWA')).toEqual([PROJECTION_MINUTES_MIN]);
  });

  it('is not made from less than 75 % of the time', () => {
    const run = single([
      [25, 20],
      [null, 20],
      [25, 440],
    ]);
    // 60 of 80 minutes seen.
    expect(warnedAt(run, 'PC_TWA')).toEqual([80]);
  });

  it('warns of nothing when the shift would stay below', () => {
    expect(warnedAt(single([[9, 480]]), 'PC_TWA')).toEqual([]);
    // Above half of the limit, by the sum alone.
    expect(warnedAt(single([[19, 480]]), 'PC_TWA')).toEqual([253]);
  });

  it('goes by the declared minutes', () => {
    const crew = { basis: 'DECLARED_MINUTES', declaredMinutes: 120 };
    const last = standingsOf(single([[60, 480]], crew), 'PC_TWA').at(-1)!;
    expect(last.projected).toBeCloseTo(15, 9);
  });
});

describe('the weekly form while its cycle runs', () => {
  const site: Site = {
    posts: [{ hazards: [hazard('noise', 'a')] }],
    crew: { daysPerWeek: 6, shifts: [{ ...DAY_SHIFT, days: [1, 2, 3, 4, 5, 6] }] },
    devices: { a: NOISE },
  };
  const week = (levels: readonly number[]) =>
    levels.flatMap((level, day) =>
      minutes(
        [
          [level, 480],
          [0, 5],
        ],
        DAY_START_MS + day * DAY,
      ).map((f) => ({ ...f, device: 'a' })),
    );

  it('is certain on the day that brings the sum above, and is told once before the last day', () => {
    // A week of 85 dB(A) in 40 h: three days of 87.3 are 5.08 of 5 such days.
    const run = runSite(site, week([87.3, 87.3, 87.3, 60, 60, 60]));
    const [at, ...others] = certainAt(run, 'LEX_W');
    expect(others.filter((minute) => minute < (5 * DAY) / MIN)).toEqual([]);
    const inDay = at! - (2 * DAY) / MIN;
    // 5 · 480 · 10^(8.5 − 8.73) − 960 min of the third day.
    expect(inDay).toBe(Math.ceil(2_400 * 10 ** -0.23 - 960));
    const verdicts = [0, 1, 2, 3, 4, 5].map(
      (day) =>
        run.results.findLast(
          ({ subject }) =>
            subject.limitKind === 'LEX_W' && subject.shift.startMs === DAY_START_MS + day * DAY,
        )?.verdict,
    );
    expect(verdicts).toEqual([
      'indeterminate',
      'indeterminate',
      'exceeded',
      'indeterminate',
      'indeterminate',
      'exceeded',
    ]);
  });

  it('stands at the sum of the cycle so far, and projects over its planned hours', () => {
    const run = liveSite(site, week([86, 86]));
    const [first] = standingsOf(run, 'LEX_W').filter(({ projected }) => projected !== null);
    expect(minuteOf(first!.asOfMs)).toBe(PROJECTION_MINUTES_MIN);
    // 48 h a week at 86 dB(A), as 40 h.
    expect(first!.projected).toBeCloseTo(86 + 10 * Math.log10(48 / 40), 9);
    expect(first!.state).toBe('near');
    const last = standingsOf(run, 'LEX_W')
      .filter(({ asOfMs }) => asOfMs <= DAY_START_MS + DAY + 8 * HOUR)
      .at(-1)!;
    const hours = 8 + (last.asOfMs - DAY_START_MS - DAY) / HOUR;
    expect(hours).toBeGreaterThan(15);
    expect(last.current).toBeCloseTo(86 + 10 * Math.log10(hours / 40), 9);
  });

  it('gives the same after a restore at any point', () => {
    const entries = journalOf(site, week([87.3, 87.3, 87.3]));
    const whole = runEntries(entries).outputs;
    for (const cut of [10, 15, 20, 25]) {
      const engine = createEngine(DEFAULT_ENGINE_SETTINGS);
      const before = entries.slice(0, cut).flatMap((entry) => engine.step(entry));
      const restored = restoreEngine(engine.checkpoint(), DEFAULT_ENGINE_SETTINGS);
      if (!restored.ok) throw new Error(restored.detail);
      const after = entries.slice(cut).flatMap((entry) => restored.value.step(entry));
      expect([...before, ...after]).toEqual(whole);
    }
  });
});
