import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { evaluateRule } from '../../src/thresholds/evaluate-rule.ts';
import type { RuleInputs } from '../../src/thresholds/rule-inputs.ts';
import { type OracleCase, oracle } from './oracle.ts';
import { rawStream, type Stretch, stretch } from './raw-stream.ts';
import {
  chained,
  chunked,
  DAY_START_MS,
  liveJournal,
  MIN,
  runEntries,
  type TestFrame,
  type WorldOptions,
} from './world.ts';

/** A shift of 80 min with a break of 10: short enough to try many. */
const SHIFT = {
  name: 'short',
  days: [1],
  start: '08:00',
  end: '09:20',
  breaks: [{ from: '08:30', to: '08:40' }],
};
const LENGTH_S = 80 * 60;
const CONTACT = Array.from({ length: LENGTH_S }, (_, s) => s < 1_800 || s >= 2_400);

interface Rule {
  readonly world: WorldOptions;
  readonly rule: Pick<OracleCase, 'kind' | 'limit' | 'abs' | 'range'> & Partial<OracleCase>;
}

const shifts = [SHIFT];
const RULES: readonly Rule[] = [
  {
    world: { shifts, range: [0, 300], lod: 3, uncertainty: { abs: 2 } },
    rule: { kind: 'PC_TWA', limit: 20, abs: 2, range: [0, 300], lod: 3 },
  },
  {
    world: { shifts, range: [0, 80], uncertainty: { abs: 2 } },
    rule: { kind: 'PC_STEL', limit: 30, abs: 2, range: [0, 80] },
  },
  {
    world: { shifts, range: [0, 60], altitudeM: 2_500, t90S: 90, uncertainty: { abs: 1 } },
    rule: { kind: 'MAC', limit: 20, abs: 1, range: [0, 60], confirmationMinutes: 2 },
  },
  {
    world: { shifts, factor: 'noise', unit: 'dB(A)', range: [60, 105], uncertainty: { abs: 1 } },
    rule: { kind: 'LEX_8H', limit: 85, abs: 1, range: [60, 105] },
  },
  {
    world: {
      shifts,
      factor: 'wbgt',
      unit: 'degC',
      range: [20, 44],
      uncertainty: { abs: 0.3 },
      labourIntensity: 'III',
    },
    rule: { kind: 'WBGT', limit: 0, wbgtLimits: [31, 29, 28, 26], abs: 0.3, range: [20, 44] },
  },
];

/** A minute before the shift, so that the channel is known even if nothing of the shift comes. */
const leader: TestFrame[] = [{ at: DAY_START_MS - MIN, spanMs: 1_000, value: 25 }];
/** All high, all low, nothing: whatever the seed, the verdicts that matter are reached. */
const HIGH: Stretch[] = [{ kind: 'value', length: 600, level: 0.97 }];
const LOW: Stretch[] = [{ kind: 'value', length: 600, level: 0.02 }];
const NOTHING: Stretch[] = [{ kind: 'hole', length: 600, level: 0 }];

const trailer: TestFrame[] = [
  { at: DAY_START_MS + LENGTH_S * 1_000 + 5 * MIN, spanMs: 1_000, value: 25 },
];

describe.each(RULES)(
  'engine and evaluateRule() against the oracle: $rule.kind',
  ({ world, rule }) => {
    const run = (frames: readonly TestFrame[], seed: number) => {
      const batches = chained([leader, ...chunked(frames, 5 + (seed % 55)), trailer]);
      return runEntries(liveJournal(world, batches)).last(rule.kind);
    };

    it('gives the verdict, bounds and coverage of the slow oracle', () => {
      const verdicts = new Set<string>();
      fc.assert(
        fc.property(
          fc.array(stretch, { minLength: 1, maxLength: 25 }),
          fc.nat(),
          (stretches, seed) => {
            const { seconds, frames } = rawStream(stretches, LENGTH_S, rule.range);
            const wanted = oracle({ ...rule, seconds, contact: CONTACT });
            const result = run(frames, seed);
            verdicts.add(result.verdict);
            expect(result.verdict).toBe(wanted.verdict);
            expect(result.coverage).toBeCloseTo(wanted.coverage, 9);
            if (rule.kind === 'PC_TWA' || rule.kind === 'LEX_8H') {
              expect(result.window.lowerBound).toBeCloseTo(wanted.lowerBound, 8);
              expect(result.window.estimate === null).toBe(wanted.estimate === null);
              expect(result.window.estimate ?? 0).toBeCloseTo(wanted.estimate ?? 0, 8);
            } else if (result.verdict === 'exceeded' || rule.kind !== 'WBGT') {
              expect(result.window.lowerBound).toBeCloseTo(wanted.lowerBound, 8);
            }
          },
        ),
        { numRuns: 40, examples: [HIGH, LOW, NOTHING].map((parts) => [parts, 7]) },
      );
      expect([...verdicts]).toEqual(
        expect.arrayContaining(['exceeded', 'within', 'indeterminate']),
      );
    });

    it('never makes `exceeded` out of something milder when data are lost', () => {
      let accused = 0;
      fc.assert(
        fc.property(
          fc.array(stretch, { minLength: 1, maxLength: 15 }),
          fc.array(fc.tuple(fc.nat(LENGTH_S), fc.integer({ min: 1, max: 1_500 })), {
            minLength: 1,
            maxLength: 6,
          }),
          fc.nat(),
          (stretches, losses, seed) => {
            const { frames } = rawStream(stretches, LENGTH_S, rule.range);
            const isLost = ({ at }: TestFrame): boolean =>
              losses.some(([from, length]) => {
                const second = (at - DAY_START_MS) / 1_000;
                return second > from && second <= from + length;
              });
            const kept = frames.filter((frame) => !isLost(frame));
            fc.pre(kept.length > 0);
            const after = run(kept, seed);
            if (after.verdict !== 'exceeded') return;
            const before = run(frames, seed);
            // Conflicts take trust away, not exposure: lost with both their copies, trust comes back.
            if (before.caps.includes('conflicts')) return;
            accused++;
            expect(before.verdict).toBe('exceeded');
          },
        ),
        { numRuns: 80, examples: [[HIGH, [[100, 300]], 7]] },
      );
      expect(accused).toBeGreaterThan(0);
    });

    it('is recomputed by a stranger from the inputs in the signal alone', () => {
      const frames = rawStream(
        [{ kind: 'value', length: 600, level: 0.95 }],
        LENGTH_S,
        rule.range,
      ).frames;
      const { signals } = runEntries(
        liveJournal(world, chained([...chunked(frames, 10), trailer])),
      );
      const found = signals.filter(
        (s) => s.kind === 'OVER_LIMIT' && s.result.subject.limitKind === rule.kind,
      );
      expect(found.length).toBeGreaterThanOrEqual(2);
      for (const signal of found) {
        if (signal.kind !== 'OVER_LIMIT') continue;
        const inputs = JSON.parse(JSON.stringify(signal.inputs)) as RuleInputs;
        const { revision: _, ...content } = signal.result;
        expect(evaluateRule(inputs)).toEqual(content);
      }
    });
  },
);
