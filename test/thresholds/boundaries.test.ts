import { describe, expect, it } from 'vitest';
import {
  DAY_START_MS,
  deviceFact,
  fact,
  HOUR,
  MIN,
  minutes,
  type Run,
  runDay,
  seconds,
  type TestFrame,
  type WorldOptions,
} from './world.ts';

const EXACT: WorldOptions = { uncertainty: { abs: 0 } };
const NOISE: WorldOptions = { factor: 'noise', unit: 'dB(A)', range: [20, 140] };
const HEAT: WorldOptions = {
  factor: 'wbgt',
  unit: 'degC',
  range: [0, 60],
  uncertainty: { abs: 0.5 },
  labourIntensity: 'III',
};
/** Five minutes after the shift, which closes it. */
const after = minutes([[0, 5]], DAY_START_MS + 8 * HOUR);
const shift = (options: WorldOptions, segments: Parameters<typeof minutes>[0]): Run =>
  runDay(options, [...minutes(segments), ...after]);
const twa = (options: WorldOptions, segments: Parameters<typeof minutes>[0]) =>
  shift(options, segments).last('PC_TWA');

describe('equal to the limit complies (GBZ 2.1-2019 6.3, pitfalls Q18)', () => {
  it('PC-TWA exactly 20 with an exact instrument is within', () => {
    expect(twa(EXACT, [[20, 480]]).verdict).toBe('within');
  });

  it('PC-TWA a hair above 20 with an exact instrument is exceeded', () => {
    expect(twa(EXACT, [[20.0001, 480]]).verdict).toBe('exceeded');
  });

  it('a sum of binary fractions that is 20 on paper is within', () => {
    expect(
      twa(EXACT, [
        [0.1, 160],
        [0.2, 160],
        [59.7, 160],
      ]).verdict,
    ).toBe('within');
  });

  it('PC-STEL exactly 30 over the worst 15 min is within', () => {
    expect(
      shift(EXACT, [
        [1, 200],
        [30, 15],
        [1, 265],
      ]).last('PC_STEL').verdict,
    ).toBe('within');
  });

  it('LEX exactly 85 dB(A) is not exceeded', () => {
    const options = { ...NOISE, uncertainty: { abs: 0 } };
    expect(shift(options, [[85, 480]]).last('LEX_8H').verdict).toBe('within');
    expect(shift(options, [[85.001, 480]]).last('LEX_8H').verdict).toBe('exceeded');
  });
});

describe('uncertainty goes to the company', () => {
  it('accuses only when the lower bound less U is above the limit', () => {
    expect(twa({ uncertainty: { abs: 1 } }, [[21, 480]]).verdict).toBe('suspected');
    expect(twa({ uncertainty: { abs: 1 } }, [[21.01, 480]]).verdict).toBe('exceeded');
  });

  it('takes a relative uncertainty of the value', () => {
    const options = { uncertainty: { abs: 0, rel: 0.2 } };
    expect(twa(options, [[25, 480]]).verdict).toBe('suspected');
    expect(twa(options, [[25.1, 480]]).verdict).toBe('exceeded');
    expect(twa(options, [[25.1, 480]]).uncertainty).toBeCloseTo(5.02, 9);
  });

  it('is borderline below the limit by less than U', () => {
    expect(twa({ uncertainty: { abs: 1 } }, [[19.5, 480]]).verdict).toBe('borderline');
    expect(twa({ uncertainty: { abs: 1 } }, [[19, 480]]).verdict).toBe('within');
  });

  it('never accuses without U, and `within` says that it is unknown', () => {
    const unknown: WorldOptions = { uncertainty: null };
    expect(twa(unknown, [[100, 480]])).toMatchObject({
      verdict: 'suspected',
      caps: ['no-uncertainty'],
      uncertainty: null,
    });
    expect(twa(unknown, [[1, 480]])).toMatchObject({ verdict: 'within', caps: ['no-uncertainty'] });
  });

  it('takes a share of a decibel as no uncertainty', () => {
    const result = shift({ ...NOISE, uncertainty: { abs: 0, rel: 0.01 } }, [[100, 480]]);
    expect(result.last('LEX_8H').caps).toEqual(['no-uncertainty']);
  });
});

describe('coverage', () => {
  it('of exactly 75 % is enough for an estimate', () => {
    const result = twa({}, [[8, 360]]);
    expect(result).toMatchObject({ verdict: 'within', coverage: 0.75 });
    expect(result.window.estimate).toBeCloseTo(8, 9);
    expect(result.window.lowerBound).toBeCloseTo(6, 9);
  });

  it('a second below 75 % claims nothing', () => {
    const frames = minutes([[8, 360]]).map((frame, i) =>
      i === 0 ? { ...frame, spanMs: 59_000 } : frame,
    );
    const result = runDay({}, [...frames, ...after]).last('PC_TWA');
    expect(result).toMatchObject({ verdict: 'indeterminate', observedSeconds: 21_599 });
    expect(result.window.estimate).toBeNull();
  });

  it('accuses below 75 % when what was seen is enough for every completion', () => {
    expect(twa({}, [[100, 120]])).toMatchObject({ verdict: 'exceeded', coverage: 0.25 });
  });

  it('suspects on the estimate alone', () => {
    const result = twa({}, [[24, 360]]);
    expect(result.window.lowerBound).toBeCloseTo(18, 9);
    expect(result.verdict).toBe('suspected');
  });

  it('is counted over contact, without the breaks', () => {
    const shifts = [
      {
        name: 'd',
        days: [1],
        start: '08:00',
        end: '16:00',
        breaks: [{ from: '12:00', to: '13:00' }],
      },
    ];
    const result = runDay({ shifts }, [
      ...minutes([
        [8, 240],
        [null, 60],
        [8, 180],
      ]),
      ...after,
    ]);
    expect(result.last('PC_TWA')).toMatchObject({ coverage: 1, contactMinutes: 420 });
    expect(result.last('PC_TWA').window.lowerBound).toBeCloseTo(7, 9);
  });
});

describe('what is no proof', () => {
  const flagged = (flag: TestFrame['flag']): TestFrame[] =>
    minutes([[100, 480]]).map((frame) => ({ ...frame, ...(flag ? { flag } : {}) }));

  it.each(['F', 'M', 'S', 'D', 'C', 'U'] as const)(
    'a value with flag %s is counted, not used',
    (flag) => {
      const result = runDay({}, [...flagged(flag), ...after]).last('PC_TWA');
      expect(result.verdict).toBe('indeterminate');
      expect(result.excludedSeconds).toEqual({ [`flag-${flag}`]: 28_800 });
    },
  );

  it('N outside the range is a fault', () => {
    const result = twa({ range: [0, 50] }, [[60, 480]]);
    expect(result.excludedSeconds).toEqual({ 'out-of-range': 28_800 });
    expect(result.verdict).toBe('indeterminate');
  });

  it('a device without a certificate is shown, never proof', () => {
    const run = shift({ certificate: null }, [[100, 480]]);
    expect(run.last('PC_TWA').excludedSeconds).toEqual({ certificate: 28_800 });
    const cells = run.outputs.filter((o) => o.kind === 'cell');
    expect(cells[0]).toMatchObject({ cell: { mean: 100, coveredSeconds: 60 } });
  });

  it('a certificate proves up to the last minute that it holds throughout', () => {
    const certificate = {
      number: '1',
      issuer: 'i',
      mode: 'VERIFIED',
      fromMs: 0,
      untilMs: DAY_START_MS + 240.5 * MIN,
    };
    expect(twa({ certificate }, [[100, 480]]).observedSeconds).toBe(240 * 60);
  });

  it('a non-specific sensor warns, never accuses', () => {
    const result = twa({ specific: false }, [[100, 480]]);
    expect(result).toMatchObject({ verdict: 'suspected', caps: ['non-specific'] });
  });

  it('below LOD is 0 in the lower bound and LOD/2 in the estimate', () => {
    const { window } = twa({ lod: 2 }, [[1.9, 480]]);
    expect(window).toMatchObject({ lowerBound: 0, estimate: 1 });
  });

  it('negative is 0 in the lower bound and as measured in the estimate', () => {
    const { window } = twa({ range: [-5, 50] }, [
      [-1, 240],
      [3, 240],
    ]);
    expect(window).toMatchObject({ lowerBound: 1.5, estimate: 1.5 });
  });

  it('ppm is converted once, at 20 °C; an "as X" row of unknown atoms is not convertible', () => {
    const run = shift({ unit: 'ppm' }, [[10, 480]]);
    expect(run.last('PC_TWA').window.lowerBound).toBeCloseTo(11.6441, 3);
    const carbonyl = shift({ factor: 'nickel-carbonyl', unit: 'ppm' }, [[10, 480]]);
    expect(carbonyl.results[0]?.window.lowerBound).toBeCloseTo((10 * 58.693) / 24.0551, 3);
  });
});

describe('exposure bases', () => {
  it('an assumed full shift is never more than suspected', () => {
    const run = shift({ basis: 'ASSUMED_FULL_SHIFT' }, [[100, 480]]);
    for (const kind of ['PC_TWA', 'PC_STEL']) {
      expect(run.last(kind)).toMatchObject({ verdict: 'suspected', caps: ['assumed-full-shift'] });
    }
  });

  it('MAC binds the workplace itself, whatever the basis', () => {
    const run = shift({ basis: 'ASSUMED_FULL_SHIFT', altitudeM: 2_500 }, [[100, 480]]);
    expect(run.last('MAC').verdict).toBe('exceeded');
  });

  it('declared minutes accuse for the lowest minutes of the shift only', () => {
    const declared: WorldOptions = { basis: 'DECLARED_MINUTES', declaredMinutes: 240 };
    expect(
      twa(declared, [
        [0, 240],
        [300, 240],
      ]).verdict,
    ).toBe('suspected');
    expect(twa(declared, [[300, 480]]).verdict).toBe('exceeded');
  });

  it('declared minutes suspect at most for STEL and say nothing of WBGT', () => {
    const declared: WorldOptions = { basis: 'DECLARED_MINUTES', declaredMinutes: 240 };
    expect(shift(declared, [[300, 480]]).last('PC_STEL').verdict).toBe('suspected');
    const heat = shift({ ...HEAT, ...declared }, [[40, 480]]).last('WBGT');
    expect(heat).toMatchObject({
      verdict: 'indeterminate',
      caps: ['declared-minutes-not-evaluable'],
    });
  });

  it('a crew that works 6 days a week without a roster of 6 has no LEX,8h and no verdict', () => {
    const run = shift({ ...NOISE, daysPerWeek: 6 }, [[100, 480]]);
    expect(new Set(run.results.map(({ subject }) => subject.limitKind))).toEqual(
      new Set(['LEX_W']),
    );
    expect(run.last('LEX_W')).toMatchObject({ verdict: 'indeterminate', caps: ['no-roster'] });
  });

  it('heat without a labour intensity has no verdict', () => {
    const { labourIntensity: _, ...unknown } = HEAT;
    const heat = shift(unknown, [[40, 480]]).last('WBGT');
    expect(heat).toMatchObject({ verdict: 'indeterminate', caps: ['no-labour-intensity'] });
  });

  it('dust has no verdict above suspected until its calibration is recorded', () => {
    const dust = shift({ factor: 'silica-dust-10-50-respirable' }, [[50, 480]]);
    expect(dust.last('PC_TWA').verdict).toBe('suspected');
  });

  it('a factor without a limit gives no result, never a pass', () => {
    expect(shift({ factor: 'tvoc' }, [[50, 480]]).results).toEqual([]);
  });
});

describe('PC-STEL', () => {
  it('needs 15 adjacent minutes on the minute grid', () => {
    const result = shift(EXACT, [
      [0, 100],
      [30.1, 15],
      [0, 365],
    ]).last('PC_STEL');
    expect(result.verdict).toBe('exceeded');
    expect(result.episodes).toEqual([
      {
        startMs: DAY_START_MS + 100 * MIN,
        endMs: DAY_START_MS + 115 * MIN,
        lowerBoundMax: 30.1,
      },
    ]);
    expect(
      shift(EXACT, [
        [0, 100],
        [30.1, 14],
        [0, 366],
      ]).last('PC_STEL').verdict,
    ).toBe('within');
  });

  it('counts a break inside the window as 0', () => {
    const shifts = [
      {
        name: 'd',
        days: [1],
        start: '08:00',
        end: '16:00',
        breaks: [{ from: '09:00', to: '09:10' }],
      },
    ];
    const run = runDay({ ...EXACT, shifts }, [
      ...minutes([
        [0, 55],
        [80, 20],
        [0, 405],
      ]),
      ...after,
    ]);
    // Five minutes on each side of the break at 80: 10 × 80 / 15 would cross it, 5 × 80 / 15 = 26.7.
    expect(run.last('PC_STEL').window.lowerBound).toBeCloseTo((5 * 80) / 15, 9);
  });

  it('tells two episodes apart that no window joins', () => {
    const run = shift(EXACT, [
      [0, 60],
      [40, 15],
      [0, 60],
      [40, 15],
      [0, 330],
    ]);
    expect(run.last('PC_STEL').episodes).toHaveLength(2);
  });

  it('is judged by no more than suspected when a window holds conflicts above 1 %', () => {
    const doubled = seconds(
      Array.from({ length: 12 }, () => 90),
      DAY_START_MS + 20 * MIN,
    );
    const frames = minutes([[30.5, 480]]);
    const run = runDay(EXACT, [...frames, ...doubled, ...after]);
    const { verdict } = run.last('PC_STEL');
    expect(verdict).toBe('exceeded');
    const capped = runDay(EXACT, [
      ...minutes([
        [0, 20],
        [31, 15],
        [0, 445],
      ]),
      ...doubled,
      ...after,
    ]);
    expect(capped.last('PC_STEL')).toMatchObject({ verdict: 'suspected', caps: ['conflicts'] });
    expect(capped.signals.some(({ kind }) => kind === 'CONFLICT')).toBe(true);
  });
});

describe('MAC', () => {
  const MAC: WorldOptions = { altitudeM: 2_500, uncertainty: { abs: 0 }, range: [0, 500] };

  it('confirms over a minute, so one raw spike is none', () => {
    const spike = Array.from({ length: 60 }, (_, i) => (i === 30 ? 500 : 5));
    const run = runDay(MAC, [
      ...seconds(spike),
      ...minutes([[5, 479]], DAY_START_MS + MIN),
      ...after,
    ]);
    expect(run.last('MAC').verdict).toBe('within');
    expect(run.last('MAC').details).toMatchObject({ rawMax: 500, confirmationMinutes: 1 });
    expect(
      shift(MAC, [
        [5, 100],
        [20.1, 1],
        [5, 379],
      ]).last('MAC').verdict,
    ).toBe('exceeded');
  });

  it('confirms over T90 rounded up to minutes, at most 15', () => {
    const slow = { ...MAC, t90S: 61 };
    expect(
      shift(slow, [
        [5, 100],
        [34, 1],
        [5, 379],
      ]).last('MAC').verdict,
    ).toBe('within');
    expect(
      shift(slow, [
        [5, 100],
        [36, 1],
        [5, 379],
      ]).last('MAC').verdict,
    ).toBe('exceeded');
    const slower = shift({ ...MAC, t90S: 7_200 }, [[5, 480]]).last('MAC');
    expect(slower.details).toMatchObject({ confirmationMinutes: 15 });
  });

  it('runs across from an adjacent shift, and belongs to the one in which it ends', () => {
    const shifts = [
      { name: 'early', days: [1], start: '08:00', end: '12:00' },
      { name: 'late', days: [1], start: '12:00', end: '16:00' },
    ];
    const run = runDay({ ...MAC, t90S: 120, shifts }, [
      ...minutes([
        [5, 239],
        [22, 2],
        [5, 239],
      ]),
      ...after,
    ]);
    const verdicts = run.results.map(({ subject, verdict }) => [subject.shift.name, verdict]);
    expect(verdicts).toContainEqual(['early', 'within']);
    expect(verdicts).toContainEqual(['late', 'exceeded']);
  });
});

describe('WBGT', () => {
  it('accuses only if every number of missing minutes as contact does', () => {
    // 6 h at 28.6: as 75 % against 28 by 0.6; with 2 h more at 25 as 100 %, 27.7 against 26.
    expect(shift(HEAT, [[28.6, 360]]).last('WBGT').verdict).toBe('exceeded');
    expect(shift(HEAT, [[28.4, 360]]).last('WBGT').verdict).toBe('suspected');
  });

  it('takes cooler presence as not exposed, so the milder limit of the rate holds', () => {
    // 2 h at 30.9 °C are 25 %: limit 31.
    expect(
      shift(HEAT, [
        [30.9, 120],
        [24.9, 360],
      ]).last('WBGT'),
    ).toMatchObject({
      verdict: 'borderline',
      limit: { value: 31 },
    });
    expect(
      shift(HEAT, [
        [30.9, 121],
        [24.9, 359],
      ]).last('WBGT'),
    ).toMatchObject({
      verdict: 'exceeded',
      limit: { value: 29 },
    });
  });

  it('adds 1 °C in a hot region', () => {
    expect(shift(HEAT, [[26.8, 480]]).last('WBGT').verdict).toBe('exceeded');
    expect(shift({ ...HEAT, hotRegion: true }, [[26.8, 480]]).last('WBGT')).toMatchObject({
      verdict: 'borderline',
      limit: { value: 27 },
    });
  });

  it('is within when nobody was exposed to heat', () => {
    expect(shift(HEAT, [[20, 480]]).last('WBGT')).toMatchObject({ verdict: 'within', ratio: null });
  });
});

describe('T, above the measuring range', () => {
  const T: WorldOptions = { range: [0, 100], uncertainty: { abs: 0 }, altitudeM: 2_500 };
  const after8 = minutes([[0, 5]], DAY_START_MS + 8 * HOUR);
  const saturated = (from: number, length: number): TestFrame[] =>
    seconds(
      Array.from({ length }, () => 0),
      DAY_START_MS + from * 1_000,
    ).map((frame) => ({
      ...frame,
      value: null,
      flag: 'T',
    }));
  const run = (rise: number, from: number, length: number, endAt: number) =>
    runDay(T, [
      ...seconds([rise]),
      ...saturated(from, length),
      ...seconds([10], DAY_START_MS + endAt * 1_000),
      ...after8,
    ]).last('MAC');

  it('counts as the range top after a plausible rise when a seen value ends it', () => {
    expect(run(50, 60, 60, 121).window.lowerBound).toBe(100);
  });

  it.each([
    ['without a rise to half the range', 49.9, 60, 60, 121],
    ['with the rise more than 60 s before', 50, 120, 60, 240],
    ['when no seen value ends it within 30 min of the rise', 50, 60, 60, 1_801],
  ])('counts for nothing %s', (_, rise, from, length, endAt) => {
    const result = run(rise, from, length, endAt);
    expect(result.window.lowerBound).toBeLessThan(2);
    expect(result.excludedSeconds['flag-T']).toBe(60);
  });

  it('counts, holes included, when a seen value ends it 30 min after the rise', () => {
    expect(run(50, 60, 60, 1_800).window.lowerBound).toBe(100);
  });

  it('needs a rise of its own after a hole', () => {
    const frames = [...seconds([50]), ...saturated(60, 60), ...saturated(180, 60)];
    const result = runDay(T, [...frames, ...seconds([10], DAY_START_MS + 300_000), ...after8]);
    const { certainAtMs, episodes } = result.last('MAC');
    expect(episodes).toEqual([
      { startMs: DAY_START_MS + MIN, endMs: DAY_START_MS + 2 * MIN, lowerBoundMax: 100 },
    ]);
    // Certain only once the seen value came that ended it.
    expect(certainAtMs).toBe(DAY_START_MS + 6 * MIN);
  });
});

describe('the clock of the gateway', () => {
  const frames = minutes([[100, 480]]);
  const withError = async (errMs: number): Promise<Run> => {
    const { chained, chunked, liveJournal, runEntries } = await import('./world.ts');
    const batches = chained(chunked([...frames, ...after], 10)).map((batch) => ({
      ...batch,
      clock: { source: 'ntp' as const, offsetMs: 0, errMs },
    }));
    return runEntries(liveJournal({}, batches));
  };

  it('wrong by more than 2 s gives no clue from windows up to 15 min', async () => {
    const run = await withError(2_001);
    expect(run.last('PC_STEL').excludedSeconds).toEqual({ clock: 28_800 });
    expect(run.last('PC_TWA').verdict).toBe('exceeded');
    expect(run.signals.some(({ kind }) => kind === 'CLOCK')).toBe(true);
  });

  it('wrong by 2 s still does', async () => {
    expect((await withError(2_000)).last('PC_STEL').verdict).toBe('exceeded');
  });

  it('wrong by more than 60 s gives none', async () => {
    const run = await withError(60_001);
    expect(run.last('PC_TWA')).toMatchObject({ verdict: 'indeterminate', observedSeconds: 0 });
  });
});

describe('facts by event time', () => {
  it('takes each minute by the profile that held in it, and the largest uncertainty', async () => {
    const { createTestJournal, chained, chunked, runEntries, worldFacts } = await import(
      './world.ts'
    );
    const journal = createTestJournal();
    const noon = DAY_START_MS + 4 * HOUR;
    const facts = [
      ...worldFacts({ uncertainty: { abs: 1 } }),
      deviceFact({ range: [0, 50], uncertainty: { abs: 3 } }, noon),
      fact('mark', {
        id: 'm1',
        device: 'dev-1',
        fromMs: DAY_START_MS + 30_000,
        toMs: DAY_START_MS + 90_000,
        kind: 'CALIBRATION',
        by: 'x',
      }),
    ].map((f) => journal.fact(f, DAY_START_MS - HOUR));
    const batches = chained(chunked([...minutes([[60, 480]]), ...after], 10));
    const run = runEntries([
      ...facts,
      ...batches.map((batch) => journal.batch(batch, batch.frames.at(-1)!.at)),
    ]);
    expect(run.last('PC_TWA')).toMatchObject({
      uncertainty: 3,
      observedSeconds: 238 * 60,
      excludedSeconds: { 'out-of-range': 240 * 60, mark: 120 },
    });
  });
});
