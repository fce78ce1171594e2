import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Verdict } from '../../src/model/exposure.ts';
import type { LimitKind } from '../../src/model/limits.ts';
import type { ShiftSum } from '../../src/thresholds/rule-inputs.ts';
import { judge, type MinuteValues, profile, type RuleCase, values } from './rule-case.ts';

const WBGT_ROWS = [31, 29, 28, 26].map((valueC, i) => ({ ratePercent: 25 * (i + 1), valueC }));

interface Kind extends Omit<RuleCase, 'minutes'> {
  readonly low: number;
  readonly high: number;
}
const gas = { profiles: [profile({ range: [0, 200], uncertainty: { abs: 1, rel: 0 } })] };
const level = {
  profiles: [profile({ unit: 'dB(A)', range: [0, 140], uncertainty: { abs: 1, rel: 0 } })],
};
const sumOf = (levelDbA: number, coveredSeconds: number): ShiftSum => ({
  startMs: 0,
  endMs: 1,
  contactSeconds: 3_600,
  absentSeconds: 0,
  coveredSeconds,
  lower: 10 ** (levelDbA / 10) * coveredSeconds,
  seen: 10 ** (levelDbA / 10) * coveredSeconds,
  exposedSeconds: 3_600,
  conflictSeconds: 0,
  inputHash: '',
});
const cycle = { days: 7, hoursPerWeek: 48, isLast: true, earlier: [sumOf(88, 3_600)] };
const KINDS: readonly Kind[] = [
  { kind: 'PC_TWA', limit: 10, low: 0, high: 200, ...gas },
  { kind: 'PC_STEL', limit: 60, low: 0, high: 200, companions: { pcTwa: 10 }, ...gas },
  { kind: 'MAC', limit: 90, low: 0, high: 200, ...gas },
  { kind: 'PEAK', limit: 90, low: 0, high: 200, ...gas },
  { kind: 'LEX_8H', limit: 85, low: 60, high: 110, ...level },
  { kind: 'LEX_W', limit: 85, low: 60, high: 125, cycle, ...level },
  {
    kind: 'WBGT',
    limit: 26,
    low: 20,
    high: 45,
    wbgtRows: WBGT_ROWS,
    profiles: [profile({ unit: 'degC', range: [0, 60], uncertainty: { abs: 0.3, rel: 0 } })],
  },
];
/** Kinds that accuse too seldom in an hour of random stretches to be counted. */
const SELDOM: readonly LimitKind[] = ['PEAK'];

/** Worst first, as they are ordered for one and the same coverage. */
const RANK: readonly Verdict[] = ['exceeded', 'suspected', 'borderline', 'within', 'indeterminate'];

const share = fc.integer({ min: 0, max: 20 }).map((n) => n / 20);
const stretches = fc.array(
  fc.tuple(fc.option(share, { freq: 4 }), fc.integer({ min: 1, max: 20 })),
  {
    minLength: 1,
    maxLength: 8,
  },
);

/** An hour of stretches, over and over. */
function hour(
  of: readonly (readonly [number | null, number])[],
  { low, high }: Kind,
): MinuteValues {
  const once = values(of);
  return Array.from({ length: 60 }, (_, i) => {
    const part = once[i % once.length]!;
    return part === null ? null : low + part * (high - low);
  });
}

describe.each(KINDS)('$kind', (rule) => {
  const { low, high, ...asked } = rule;
  const verdict = (minutes: MinuteValues) => judge({ ...asked, minutes }).verdict;

  it('`exceeded` holds for every one of 200 completions of what is missing', () => {
    let accused = 0;
    const random = fc.array(share, { minLength: 60, maxLength: 60 });
    fc.assert(
      fc.property(stretches, fc.array(random, { minLength: 7, maxLength: 7 }), (of, fills) => {
        const seen = hour(of, rule);
        if (verdict(seen) !== 'exceeded') return;
        accused++;
        const completions = [
          fills[0]!.map(() => 0),
          fills[0]!.map(() => 1),
          fills[0]!.map((_, i) => i % 2),
          ...fills,
        ];
        for (const fill of completions) {
          const whole = seen.map((value, i) => value ?? low + fill[i]! * (high - low));
          expect(verdict(whole)).toBe('exceeded');
        }
      }),
      {
        numRuns: 100,
        examples: [
          [
            [
              [1, 50],
              [null, 10],
            ],
            Array(7).fill(Array(60).fill(0.5)),
          ],
        ],
      },
    );
    // 10 completions each.
    if (!SELDOM.includes(rule.kind)) expect(accused * 10).toBeGreaterThanOrEqual(200);
  });

  it('data in place of missing data never lower the bound of a sum, nor lift a milder verdict', () => {
    fc.assert(
      fc.property(stretches, fc.array(fc.nat(59), { minLength: 1, maxLength: 40 }), (of, lost) => {
        const all = hour(of, rule);
        const kept = all.map((value, i) => (lost.includes(i) ? null : value));
        const before = judge({ ...asked, minutes: kept });
        const after = judge({ ...asked, minutes: all });
        if (before.verdict === 'exceeded') expect(after.verdict).toBe('exceeded');
        if (rule.kind === 'PC_TWA' || rule.kind === 'LEX_8H' || rule.kind === 'LEX_W') {
          expect(after.window.lowerBound).toBeGreaterThanOrEqual(before.window.lowerBound - 1e-9);
        }
      }),
      { numRuns: 30 },
    );
  });

  it('higher values of the same coverage never give a milder verdict', () => {
    fc.assert(
      fc.property(stretches, fc.array(share, { minLength: 60, maxLength: 60 }), (of, raise) => {
        const lower = hour(of, rule);
        const raised = lower.map((value, i) =>
          value === null ? null : value + raise[i]! * (high - value),
        );
        if (rule.kind === 'WBGT') {
          // A minute that becomes heat changes the contact time, and with it the row of the table.
          const hot = (minutes: MinuteValues) =>
            minutes.filter((v) => v !== null && v >= 25).length;
          fc.pre(hot(lower) === hot(raised));
        }
        // What lies below 3 × PC-TWA stays: to join two peaks can repair their spacing (see below).
        if (rule.kind === 'PEAK') {
          const higher = lower.map((value, i) => (value! > 90 ? raised[i]! : value));
          expect(RANK.indexOf(verdict(higher))).toBeLessThanOrEqual(RANK.indexOf(verdict(lower)));
          return;
        }
        expect(RANK.indexOf(verdict(raised))).toBeLessThanOrEqual(RANK.indexOf(verdict(lower)));
      }),
      { numRuns: 40 },
    );
  });
});

describe('what higher values can do by the nature of a rule', () => {
  it('PEAK: two short peaks too close are broken, one peak of both and the time between is not', () => {
    const day = (between: number) =>
      judge({
        kind: 'PEAK',
        limit: 90,
        ...gas,
        minutes: values([
          [0, 60],
          [100, 1],
          [between, 6],
          [100, 1],
          [0, 60],
        ]),
      }).notes;
    expect(day(0)).toContain('peak-spacing');
    expect(day(100)).toEqual(['peak-above-3x']);
  });

  it('WBGT: an hour of heat is broken, the same with seven hours of just 25 °C is not', () => {
    const day = (rest: number) =>
      judge({
        kind: 'WBGT',
        limit: 26,
        wbgtRows: WBGT_ROWS,
        profiles: [profile({ unit: 'degC', range: [0, 60], uncertainty: { abs: 0.01, rel: 0 } })],
        minutes: values([
          [32, 60],
          [rest, 420],
        ]),
      }).verdict;
    expect(day(24)).toBe('exceeded');
    expect(day(25)).toBe('within');
  });
});
