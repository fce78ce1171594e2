import { describe, expect, it } from 'vitest';

import {
  createEngine,
  DEFAULT_ENGINE_SETTINGS,
  restoreEngine,
} from '../../src/thresholds/engine.ts';
import { evaluateRule } from '../../src/thresholds/evaluate-rule.ts';
import type { RuleInputs } from '../../src/thresholds/rule-inputs.ts';
import { channel, hazard, journalOf, runSite, type Site, series } from './site.ts';
import { CO, HEIGHTS_SITE, MIXTURE_SITE, MOVING_SITE, NOX_SITE } from './sites.ts';
import {
  DAY,
  DAY_SHIFT,
  DAY_START_MS,
  fact,
  HOUR,
  minutes,
  type Run,
  runEntries,
  type TestFrame,
  USCC,
} from './world.ts';

describe('engine with several channels', () => {
  const site: Site = {
    posts: [{ hazards: [hazard('carbon-monoxide', 'a', { backup: channel('b') })] }],
    devices: { a: CO, b: CO },
  };

  it('fills the estimate from the backup', () => {
    const { window, feeds } = runSite(
      site,
      series({
        a: [
          [10, 240],
          [null, 240],
        ],
        b: [[12, 480]],
      }),
    ).last('PC_TWA');
    expect(window.lowerBound).toBeCloseTo(5, 9);
    expect(window.estimate).toBeCloseTo(11, 9);
    expect(feeds?.map(({ role }) => role)).toEqual(['proof', 'fallback']);
  });

  it('judges again when the backup’s data come late', () => {
    const late = minutes([[12, 240]], DAY_START_MS + 4 * HOUR).map((f) => ({ ...f, device: 'b' }));
    const frames = series({
      a: [
        [10, 240],
        [null, 240],
      ],
      b: [
        [12, 240],
        [null, 240],
      ],
    });
    const all = runSite(site, frames, late);
    expect(all.last('PC_TWA')).toMatchObject({ revision: 2, verdict: 'within' });
    expect(all.last('PC_TWA').window.estimate).toBeCloseTo(11, 9);
  });

  it('takes the backup as proof from the time at which a fact names it', () => {
    const switched = fact(
      'post',
      {
        id: 'post-1',
        enterprise: USCC,
        name: 'P',
        exposedWorkers: 3,
        hazards: [hazard('carbon-monoxide', 'a', { backup: channel('b'), feed: 'backup' })],
      },
      DAY_START_MS + 4 * HOUR,
    );
    const frames = series({ a: [[10, 480]], b: [[50, 480]] });
    const all = runSite({ ...site, facts: [switched] }, frames);
    expect(all.last('PC_TWA')).toMatchObject({ verdict: 'exceeded', window: { lowerBound: 30 } });
    const signal = all.signals.findLast(({ kind }) => kind === 'OVER_LIMIT');
    if (signal?.kind !== 'OVER_LIMIT') throw new Error('no signal');
    const { revision: _, ...content } = signal.result;
    expect(evaluateRule(JSON.parse(JSON.stringify(signal.inputs)) as RuleInputs)).toEqual(content);
  });

  it('gives the same after a restore at any point', () => {
    const late = minutes([[12, 240]], DAY_START_MS + 4 * HOUR).map((f) => ({ ...f, device: 'b' }));
    const entries = journalOf(
      site,
      series({
        a: [
          [10, 240],
          [null, 240],
        ],
        b: [
          [12, 240],
          [null, 240],
        ],
      }),
      late,
    );
    const whole = runEntries(entries).outputs;
    for (const cut of [5, 8, entries.length - 30, entries.length - 25]) {
      const engine = createEngine(DEFAULT_ENGINE_SETTINGS);
      const before = entries.slice(0, cut).flatMap((entry) => engine.step(entry));
      const restored = restoreEngine(engine.checkpoint(), DEFAULT_ENGINE_SETTINGS);
      if (!restored.ok) throw new Error(restored.detail);
      const after = entries.slice(cut).flatMap((entry) => restored.value.step(entry));
      expect([...before, ...after]).toEqual(whole);
    }
  });

  it('judges declared mixtures', () => {
    const result = runSite(MIXTURE_SITE, series({ a: [[30, 480]], b: [[180, 480]] })).last(
      'MIXTURE',
    );
    expect(result).toMatchObject({ verdict: 'suspected', subject: { factor: 'solvents' } });
    expect(result.window.lowerBound).toBeCloseTo(30 / 50 + 180 / 300, 9);
  });

  it('follows a crew from post to post', () => {
    const all = runSite(
      MOVING_SITE,
      series({
        a: [
          [5, 240],
          [400, 240],
        ],
        b: [
          [400, 240],
          [9, 240],
        ],
      }),
    );
    const twa = all.results.filter(({ subject }) => subject.limitKind === 'PC_TWA');
    expect(twa.filter(({ subject }) => subject.shift.startMs === DAY_START_MS)).toHaveLength(1);
    expect(all.last('PC_TWA').window).toMatchObject({ lowerBound: 7, estimate: 7 });
  });

  it('judges nitrogen oxides both ways from two channels', () => {
    const result = runSite(NOX_SITE, series({ a: [[3, 480]], b: [[1.9, 480]] })).last('PC_TWA');
    expect(result.window.lowerBound).toBeCloseTo(4.9, 9);
    expect(result.verdict).toBe('suspected');
    const alone = { ...NOX_SITE, posts: [{ hazards: [hazard('nitrogen-oxides', 'a')] }] };
    expect(runSite(alone, series({ a: [[3, 480]] })).last('PC_TWA').verdict).toBe('indeterminate');
  });

  it('judges heat at three heights', () => {
    const all = runSite(HEIGHTS_SITE, series({ a: [[28, 480]], b: [[30, 480]], c: [[26, 480]] }));
    expect(all.last('WBGT')).toMatchObject({ verdict: 'exceeded', window: { lowerBound: 28 } });
  });

  it.each([
    ['a globe temperature as a height', {}, { factor: 'globe-temperature' }, []],
    [
      'heights given as bulb and globe',
      { parts: [{ role: 'globe', channel: channel('d') }] },
      { factor: 'wbgt' },
      ['wbgt-height-parts'],
    ],
  ])('judges heat by WBGT of each height alone: %s is not evaluable', (_, more, head, caps) => {
    const { parts = [] } = more as { parts?: object[] };
    const profile = { factor: 'wbgt', unit: 'degC', range: [0, 60] };
    const heights = [
      { role: 'head', channel: channel('b') },
      { role: 'ankle', channel: channel('c') },
    ];
    const heat: Site = {
      posts: [
        {
          labourIntensity: 'III',
          hazards: [hazard('wbgt', 'a', { parts: [...heights, ...parts] })],
        },
      ],
      devices: { a: profile, b: { ...profile, ...head }, c: profile, d: profile },
    };
    const all = runSite(heat, series({ a: [[38, 480]], b: [[38, 480]], c: [[38, 480]] }));
    expect(all.last('WBGT').verdict).toBe('indeterminate');
    expect(all.last('WBGT').caps).toEqual(caps);
  });

  it('steps the grade of GBZ/T 229.2 up by the notation, beside the plain one', () => {
    const graded = (factor: string) =>
      runSite(
        {
          posts: [
            { labourIntensity: 'II', hazards: [hazard(factor, 'a', { toxicity: 'MODERATE' })] },
          ],
          devices: { a: { factor } },
        },
        series({ a: [[1.6, 480]] }),
      ).last('PC_TWA').details;
    // Benzene is 皮, G1: 1.6 of 3 mg/m³, 2 · 0.533 · 1.5 = 1.6.
    expect(graded('benzene')).toMatchObject({ grade2292: 1, grade2292SteppedUp: 2 });
    expect(graded('carbon-monoxide')).not.toHaveProperty('grade2292SteppedUp');
  });
});

describe('what can’t be judged says why', () => {
  const one = (profile: object, post: object = {}, factor = 'carbon-monoxide', kind = 'PC_TWA') =>
    runSite(
      {
        posts: [{ hazards: [hazard(factor, 'a')], ...post }],
        devices: { a: { factor, ...profile } },
      },
      series({ a: [[100, 480]] }),
    ).last(kind);

  it.each([
    ['unit-undeclared', { unit: 'undeclared' }],
    ['basis-undeclared', { air: 'undeclared' }],
    ['unit-not-convertible', { unit: 'dB(A)' }],
  ])('%s', (reason, profile) => {
    expect(one(profile)).toMatchObject({ verdict: 'indeterminate' });
    expect(one(profile).caps).toContain(reason);
  });

  const dust = { fraction: 'respirable', massFactor: 2, report: 'R-1', reportedOn: '2025-01-01' };
  const silica = { freeSilica: { percent: 50, report: 'L-1', reportedOn: '2025-01-01' } };

  it('dust judges with fraction, mass factor and report, and is suspected without', () => {
    const factor = 'silica-dust-10-50-respirable';
    const result = one({ dust }, silica, factor);
    expect(result).toMatchObject({ verdict: 'exceeded', window: { lowerBound: 200 } });
    expect(one({}, silica, factor)).toMatchObject({
      verdict: 'suspected',
      caps: ['dust-calibration-unrecorded'],
    });
    expect(
      one({ dust: { ...dust, fraction: 'total' } }, {}, 'coal-dust-respirable').caps,
    ).toContain('dust-fraction');
  });

  it.each([
    [10, 0.7],
    [50, 0.7],
    [50.1, 0.3],
    [80, 0.3],
    [80.1, 0.2],
  ])('silica dust of %f %% is judged by %f mg/m³', (percent, value) => {
    const post = { freeSilica: { percent, report: 'L-1', reportedOn: '2025-01-01' } };
    expect(one({ dust }, post, 'silica-dust').limit.value).toBe(value);
  });

  it('silica dust without a laboratory’s report is not evaluable', () => {
    expect(one({ dust }, {}, 'silica-dust')).toMatchObject({
      verdict: 'indeterminate',
      caps: ['no-silica-report'],
    });
  });
});

describe('hazards that no rule can judge', () => {
  it.each([
    ['tvoc', 'tvoc'],
    ['unobtainium', 'no-limit-known'],
  ])('%s: %s, never a pass', (factor, reason) => {
    const site = { posts: [{ hazards: [hazard(factor, 'a')] }], devices: { a: { factor } } };
    const { results, signals } = runSite(site, series({ a: [[1, 480]] }));
    expect(results).toEqual([]);
    expect(signals).toContainEqual(
      expect.objectContaining({
        kind: 'NOT_EVALUABLE',
        detail: { reason, post: 'post-1', factor },
      }),
    );
  });

  it('a post without a crew', () => {
    const site = {
      posts: [{ hazards: [hazard('carbon-monoxide', 'a')] }, { hazards: [hazard('ammonia', 'b')] }],
      devices: { a: CO, b: { factor: 'ammonia' } },
    };
    const { signals } = runSite(site, series({ a: [[1, 480]], b: [[1, 480]] }));
    const reasons = signals.flatMap((s) => (s.kind === 'NOT_EVALUABLE' ? [s.detail] : []));
    expect(reasons).toContainEqual({ reason: 'no-crew', post: 'post-2', factor: 'ammonia' });
    expect(reasons.some(({ post }) => post === 'post-1')).toBe(false);
  });
});

describe('the weekly form of noise', () => {
  const noise = (crew: object): Site => ({
    posts: [{ hazards: [hazard('noise', 'a')] }],
    crew,
    devices: { a: { factor: 'noise', unit: 'dB(A)', range: [0, 140] } },
  });
  const days = (level: number, count: number): TestFrame[] =>
    Array.from({ length: count }, (_, day) =>
      minutes(
        [
          [level, 480],
          [0, 5],
        ],
        DAY_START_MS + day * DAY,
      ).map((f) => ({ ...f, device: 'a' })),
    ).flat();
  const sixDays = noise({
    daysPerWeek: 6,
    shifts: [{ ...DAY_SHIFT, days: [1, 2, 3, 4, 5, 6] }],
  });
  const weekly = ({ results }: Run) =>
    results.filter(({ subject }) => subject.limitKind === 'LEX_W');

  it('judges six days at 84.5 with the last of them, and LEX,8h never', () => {
    const all = runSite(sixDays, days(84.5, 6));
    const kinds = new Set(all.results.map(({ subject }) => subject.limitKind));
    expect(kinds).toEqual(new Set(['LEX_W']));
    const last = weekly(all).find(({ verdict }) => verdict === 'exceeded');
    expect(last?.window.lowerBound).toBeCloseTo(85.29181246047625, 9);
    expect(last?.subject.shift.startMs).toBe(DAY_START_MS + 5 * DAY);
    expect(last?.details?.['cycleShifts']).toBe(6);
  });

  it('keeps the week’s sums over a restore', () => {
    const entries = journalOf(sixDays, days(84.5, 6));
    const whole = runEntries(entries).outputs;
    const cut = Math.floor(entries.length / 2);
    const engine = createEngine(DEFAULT_ENGINE_SETTINGS);
    const before = entries.slice(0, cut).flatMap((entry) => engine.step(entry));
    const restored = restoreEngine(engine.checkpoint(), DEFAULT_ENGINE_SETTINGS);
    if (!restored.ok) throw new Error(restored.detail);
    const after = entries.slice(cut).flatMap((entry) => restored.value.step(entry));
    expect([...before, ...after]).toEqual(whole);
  });

  it('judges the week again when a day of it comes late', () => {
    const isThursday = ({ at }: TestFrame): boolean =>
      at > DAY_START_MS + 3 * DAY && at <= DAY_START_MS + 4 * DAY;
    const all = days(84.5, 6);
    const late = runSite(
      sixDays,
      all.filter((f) => !isThursday(f)),
      all.filter(isThursday),
    );
    const last = weekly(late).filter(
      ({ subject }) => subject.shift.startMs === DAY_START_MS + 5 * DAY,
    );
    expect(last.map(({ verdict }) => verdict)).toEqual(['suspected', 'exceeded']);
  });

  it('of a roster runs over its cycle', () => {
    const roster = { from: '2025-06-02', days: ['day', 'day', null, null] };
    const shifts = [{ name: 'day', days: [1], start: '08:00', end: '20:00' }];
    const frames = [0, 1].flatMap((day) =>
      minutes(
        [
          [84, 720],
          [0, 5],
        ],
        DAY_START_MS + day * DAY,
      ).map((f) => ({ ...f, device: 'a' })),
    );
    const all = runSite(noise({ daysPerWeek: 4, shifts, roster }), frames);
    const last = weekly(all).find(({ details }) => details?.['cycleShifts'] === 2);
    expect(last?.window.lowerBound).toBeCloseTo(84.21189299069938, 9);
    expect(last?.verdict).toBe('within');
  });
});
