import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readRuleTable } from '../../src/thresholds/combine-feeds.ts';
import { readMinuteTable } from '../../src/thresholds/minute-table.ts';
import vectors from './golden-vectors.json' with { type: 'json' };
import { feed, judge, type MinuteValues, profile, ruleInputs, values } from './rule-case.ts';
import { DAY_START_MS, MIN } from './world.ts';

const TWA = { kind: 'PC_TWA', limit: 20 } as const;
const hours = (segments: readonly (readonly [number | null, number])[]): MinuteValues =>
  values(segments.map(([value, h]) => [value, h * 60]));

describe('one channel among several', () => {
  it('alone gives the same table as a channel that knows of no other', () => {
    const series = fc.array(fc.option(fc.integer({ min: -50, max: 600 }).map((n) => n / 10)), {
      minLength: 1,
      maxLength: 60,
    });
    fc.assert(
      fc.property(series, fc.constantFrom('PC_TWA', 'LEX_8H', 'WBGT'), (minutes, kind) => {
        const profiles = [profile({ range: [0, 50], lod: 2 })];
        const inputs = ruleInputs({ kind, limit: 20, minutes, profiles });
        const first = { role: 'proof', share: 1, intervals: null } as const;
        const { table } = readRuleTable({ ...inputs, first });
        const alone = readMinuteTable(inputs);
        expect(table).toEqual({ ...alone, absent: new Uint8Array(alone.length) });
      }),
      { numRuns: 60 },
    );
  });
});

describe('backup', () => {
  const withBackup = (primary: MinuteValues, backup: MinuteValues) =>
    judge({
      ...TWA,
      minutes: primary,
      combine: 'any',
      further: [feed('b', { role: 'fallback', minutes: backup })],
    });

  it('fills the estimate where the primary was not seen, and is in the result', () => {
    const result = withBackup(
      hours([
        [10, 4],
        [null, 4],
      ]),
      hours([[10, 8]]),
    );
    expect(result).toMatchObject({ verdict: 'within', coverage: 1 });
    expect(result.window).toMatchObject({ lowerBound: 5, estimate: 10 });
    expect(result.feeds).toEqual([
      { channel: { device: 'd', metric: 'x' }, role: 'proof', seconds: 14_400 },
      { channel: { device: 'b', metric: 'x' }, role: 'fallback', seconds: 28_800 },
    ]);
  });

  it('never accuses for the primary’s silence: losing its data would', () => {
    expect(withBackup(hours([[null, 8]]), hours([[100, 8]])).verdict).toBe('suspected');
    expect(withBackup(hours([[10, 8]]), hours([[100, 8]])).verdict).toBe('within');
  });

  it('accuses from the time at which the registry names it', () => {
    const noon = DAY_START_MS + 240 * MIN;
    const result = judge({
      ...TWA,
      minutes: hours([[10, 8]]),
      first: { role: 'proof', share: 1, intervals: [[0, noon]] },
      combine: 'any',
      further: [feed('b', { intervals: [[noon, noon + 240 * MIN]], minutes: hours([[50, 8]]) })],
    });
    expect(result).toMatchObject({ verdict: 'exceeded', window: { lowerBound: 30 } });
  });
});

describe('several channels at once', () => {
  const DB = profile({ unit: 'dB(A)', range: [0, 140] });

  it('the mean of levels is one of energy', () => {
    const result = judge({
      kind: 'LEX_8H',
      limit: 85,
      minutes: hours([[80, 8]]),
      profiles: [DB],
      first: { role: 'proof', share: 0.5, intervals: null },
      combine: 'any',
      further: [feed('b', { share: 0.5, profiles: [DB], minutes: hours([[90, 8]]) })],
    });
    expect(result.window.lowerBound).toBeCloseTo(10 * Math.log10((1e8 + 1e9) / 2), 9);
  });

  it('a crew at two posts breathes both', () => {
    const noon = DAY_START_MS + 240 * MIN;
    const result = judge({
      ...TWA,
      minutes: hours([
        [10, 4],
        [100, 4],
      ]),
      first: { role: 'proof', share: 1, intervals: [[DAY_START_MS, noon]] },
      combine: 'any',
      further: [
        feed('b', {
          intervals: [[noon, noon + 240 * MIN]],
          minutes: hours([
            [100, 4],
            [20, 4],
          ]),
        }),
      ],
    });
    expect(result.window).toMatchObject({ lowerBound: 15, estimate: 15 });
  });

  it('never have a higher bound for data lost of any of them', () => {
    const series = fc.array(fc.integer({ min: 0, max: 100 }), { minLength: 20, maxLength: 20 });
    const lost = fc.array(fc.nat(39), { maxLength: 25 });
    fc.assert(
      fc.property(series, series, lost, fc.boolean(), (a, b, gone, isFallback) => {
        const cut = (of: MinuteValues, shift: number) =>
          of.map((value, i) => (gone.includes(i + shift) ? null : value));
        const bound = (first: MinuteValues, second: MinuteValues) =>
          judge({
            ...TWA,
            minutes: first,
            combine: 'any',
            further: [feed('b', { role: isFallback ? 'fallback' : 'proof', minutes: second })],
          }).window.lowerBound;
        expect(bound(cut(a, 0), cut(b, 20))).toBeLessThanOrEqual(bound(a, b) + 1e-9);
      }),
      { numRuns: 60 },
    );
  });
});

const all = vectors as unknown as readonly {
  id: string;
  source: string;
  input: Record<string, number>;
  expected: Record<string, number>;
}[];
const vector = (id: string) => all.find((candidate) => candidate.id === id)!;
const named = (id: string): string => `${id} (${vector(id).source})`;

/** Heat from weighted channels; the first is the subject's own. */
function heat(parts: readonly (readonly [weight: number, minutes: MinuteValues])[]) {
  const [first, ...others] = parts.map(([unitFactor, minutes]) => ({
    minutes,
    profiles: [profile({ unit: 'degC', unitFactor, range: [-20, 80] })],
  }));
  return judge({
    kind: 'WBGT',
    limit: 26,
    wbgtRows: [
      { ratePercent: 25, valueC: 31 },
      { ratePercent: 50, valueC: 29 },
      { ratePercent: 75, valueC: 28 },
      { ratePercent: 100, valueC: 26 },
    ],
    ...first!,
    combine: 'all',
    further: others.map((other, i) => feed(`t${i}`, other)),
  });
}

describe('heat from several channels', () => {
  it(named('wbgt-in'), () => {
    const { input, expected } = vector('wbgt-in');
    const result = heat([
      [0.7, hours([[input['tnw']!, 8]])],
      [0.3, hours([[input['tg']!, 8]])],
    ]);
    expect(result.window.lowerBound).toBeCloseTo(expected['wbgt']!, 9);
  });

  it(named('wbgt-out'), () => {
    const { input, expected } = vector('wbgt-out');
    const { tnw, tg, ta } = input;
    const parts = [
      [0.7, tnw],
      [0.2, tg],
      [0.1, ta],
    ] as [number, number][];
    const result = heat(parts.map(([w, t]) => [w, hours([[t, 8]])]));
    expect(result.window.lowerBound).toBeCloseTo(expected['wbgt']!, 9);
  });

  it(named('wbgt-3h'), () => {
    const { input, expected } = vector('wbgt-3h');
    const { head, abdomen, ankle } = input;
    const parts = [
      [0.5, abdomen],
      [0.25, head],
      [0.25, ankle],
    ] as [number, number][];
    const result = heat(parts.map(([w, t]) => [w, hours([[t, 8]])]));
    expect(result.window.lowerBound).toBeCloseTo(expected['wbgt']!, 9);
  });

  it('a second in which one of them is missing says nothing', () => {
    const result = heat([
      [0.7, hours([[30, 8]])],
      [
        0.3,
        hours([
          [50, 4],
          [null, 4],
        ]),
      ],
    ]);
    expect(result.coverage).toBe(0.5);
    expect(result.window.estimate).toBeNull();
  });
});

describe('presence', () => {
  const present = (minutes: MinuteValues, presence: MinuteValues) =>
    judge({
      ...TWA,
      minutes,
      basis: 'PRESENCE',
      combine: 'any',
      further: [feed('p', { role: 'presence', minutes: presence })],
    });

  it('counts only the minutes in which somebody was there', () => {
    const result = present(
      hours([[100, 8]]),
      hours([
        [1, 1],
        [0, 7],
      ]),
    );
    expect(result).toMatchObject({ verdict: 'within', coverage: 1 });
    expect(result.window).toMatchObject({ lowerBound: 12.5, estimate: 12.5 });
  });

  it('may accuse when the record holds', () => {
    expect(present(hours([[100, 8]]), hours([[1, 8]]))).toMatchObject({
      verdict: 'exceeded',
      caps: [],
    });
  });

  it('needs 75 % of the time of presence: hours of absence are no coverage', () => {
    const lost = present(
      hours([
        [null, 2],
        [100, 6],
      ]),
      hours([
        [1, 2],
        [0, 6],
      ]),
    );
    expect(lost).toMatchObject({ verdict: 'indeterminate', coverage: 0 });
    expect(lost.window).toMatchObject({ lowerBound: 0, estimate: null });
  });

  it('takes what is missing as like what was seen while somebody was there', () => {
    const half = present(
      hours([
        [32, 3],
        [null, 1],
        [100, 4],
      ]),
      hours([
        [1, 4],
        [0, 4],
      ]),
    );
    expect(half).toMatchObject({ coverage: 0.75 });
    expect(half.window).toMatchObject({ lowerBound: 12, estimate: 16 });
  });

  it('without a record counts nothing, and is not seen', () => {
    const result = present(
      hours([[100, 8]]),
      hours([
        [1, 1],
        [null, 7],
      ]),
    );
    expect(result).toMatchObject({ verdict: 'indeterminate', coverage: 0.125 });
    expect(result.window.lowerBound).toBe(12.5);
  });
});
