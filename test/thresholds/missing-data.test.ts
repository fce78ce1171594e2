import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Verdict } from '../../src/model/exposure.ts';
import { CrewId } from '../../src/model/ids.ts';
import type { LimitKind } from '../../src/model/limits.ts';
import type { RuleResult } from '../../src/thresholds/evaluate-rule.ts';
import { evaluateShift } from '../../src/thresholds/evaluate-shift.ts';
import { completionOf, FILLS, type Given, randomOf } from './completion.ts';
import { EXPOSURE_CASES, type ExposureCase } from './exposure-cases.ts';
import { framesOf, givenOf, stretches } from './exposure-streams.ts';
import type { Stretch } from './raw-stream.ts';
import { scenarioFacts } from './scenario-world.ts';
import { DAY, DAY_START_MS, frameOf, GATEWAY, type TestFrame } from './world.ts';

const COMPLETIONS = 200;

/** High means over whole minutes while the crew comes and goes within each. */
const MINUTES: Stretch[] = [{ kind: 'span', length: 60, level: 0.97 }];
const COMING: Stretch[] = [
  { kind: 'value', length: 30, level: 1 },
  { kind: 'value', length: 30, level: 0 },
];
const HIGH: Stretch[] = [
  { kind: 'value', length: 500, level: 0.97 },
  { kind: 'hole', length: 30, level: 0 },
];

function judge(
  of: ExposureCase,
  given: Given,
  isLost = (_: string, __: TestFrame) => false,
): RuleResult {
  const frames = framesOf(of, given, isLost).map((frame) => ({
    gateway: GATEWAY,
    frame: frameOf(frame),
  }));
  // The rule's own channel is known, whatever came of it.
  const own = Object.keys(of.scenario.sensors)[0]!;
  const known = { device: own, metric: own, at: DAY_START_MS - DAY, spanMs: 1_000, value: 1 };
  const results = evaluateShift({
    facts: scenarioFacts(of.scenario).map(({ fact }) => fact),
    frames: [{ gateway: GATEWAY, frame: frameOf(known) }, ...frames],
    crew: CrewId.parse('a'),
    shiftStartMs: DAY_START_MS + (of.shifts - 1) * DAY,
  });
  const result = results.find(({ subject }) => subject.limitKind === of.kind);
  if (result === undefined) throw new Error(`${of.name} was not judged`);
  return result;
}

/** What the crew may say when every reading of the rule's own channel was too high by U. */
const lowered = (of: ExposureCase, truth: ReturnType<typeof completionOf>) => {
  const own = Object.keys(of.scenario.sensors)[0]!;
  const { bias = 0 } = of;
  return { ...truth, of: { ...truth.of, [own]: truth.of[own]!.map((value) => value - bias) } };
};

const SLIDING: readonly LimitKind[] = ['PC_STEL', 'MAC', 'PEAK'];
/** Worst first, as they are ordered for one and the same coverage. */
const RANK: readonly Verdict[] = ['exceeded', 'suspected', 'borderline', 'within', 'indeterminate'];

/** What can't fall when more is known: of heat, how far it is above the limit of its contact rate. */
function boundOf({ subject, window, difference, details }: RuleResult): number {
  if (subject.limitKind !== 'WBGT') return window.lowerBound;
  return details?.['heatContactSeconds'] === 0 ? Number.NEGATIVE_INFINITY : (difference ?? 0);
}

/** The presence record as it was. */
function gateOf(of: ExposureCase, parts: readonly (readonly Stretch[])[]): Given {
  const given = givenOf(of, parts);
  return Object.fromEntries(
    Object.entries(given).filter(([name]) => of.scenario.sensors[name]!.role === 'presence'),
  );
}

describe.each(EXPOSURE_CASES)('$name', (of) => {
  const parts = fc.array(stretches, { minLength: 1, maxLength: 3 });

  it('`exceeded` is so in every one of 200 truths that the data allow', () => {
    let accused = 0;
    fc.assert(
      fc.property(parts, fc.nat(), (stretchesOf, seed) => {
        const given = givenOf(of, stretchesOf);
        if (judge(of, given).verdict !== 'exceeded') return;
        accused++;
        expect(of.neverAccuses).toBeUndefined();
        const random = randomOf(seed);
        for (let i = 0; i < COMPLETIONS; i++) {
          const truth = completionOf(of, given, FILLS[Math.min(i, FILLS.length - 1)]!, random);
          if (!of.exceeds(truth)) expect.fail(`completion ${i} does not exceed`);
          if (of.bias !== undefined && !of.exceeds(lowered(of, truth))) {
            expect.fail(`completion ${i} less U does not exceed`);
          }
        }
      }),
      {
        numRuns: of.shiftS > 3_600 ? 5 : 10,
        examples: [
          [[HIGH], 1],
          [[MINUTES, COMING, COMING], 1],
        ],
      },
    );
    expect(accused > 0).toBe(of.neverAccuses === undefined);
  });

  it('losing data of any channel never makes `exceeded` of anything milder', () => {
    const losses = fc.array(
      fc.tuple(fc.nat(3), fc.nat(of.shifts * of.shiftS), fc.integer({ min: 1, max: 1_500 })),
      { minLength: 1, maxLength: 6 },
    );
    fc.assert(
      fc.property(parts, losses, (stretchesOf, lost) => {
        const given = givenOf(of, stretchesOf);
        const names = Object.keys(given);
        const isLost = (name: string, { at }: TestFrame): boolean =>
          lost.some(([channel, from, length]) => {
            const second = (at - DAY_START_MS) / 1_000;
            const isOfIt = names[channel % names.length] === name;
            return isOfIt && second > from && second <= from + length;
          });
        const after = judge(of, given, isLost);
        const before = judge(of, given);
        // Conflicts take trust away, not exposure: lost with both their copies, trust comes back.
        if (before.caps.includes('conflicts')) return;
        if (after.verdict === 'exceeded') expect(before.verdict).toBe('exceeded');
        // Of several windows the one with the worst verdict is told, be its bound the highest or not.
        if (SLIDING.includes(of.kind) && of.shiftS > 900) return;
        expect(boundOf(before)).toBeGreaterThanOrEqual(boundOf(after) - 1e-9);
      }),
      { numRuns: 12 },
    );
  });
});

// PEAK and L_PEAK: `rule-properties.test.ts`, `noise-rules.test.ts`.
const ORDERED: readonly LimitKind[] = ['PC_TWA', 'PC_STEL', 'MAC', 'LEX_8H', 'LEX_W', 'WBGT'];

describe.each(EXPOSURE_CASES.filter(({ kind }) => ORDERED.includes(kind)))('$name', (of) => {
  const parts = fc.array(stretches, { minLength: 1, maxLength: 3 });

  it('higher values of the same seconds never give a milder verdict', () => {
    let compared = 0;
    const lifts = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), {
      minLength: 1,
      maxLength: 5,
    });
    fc.assert(
      fc.property(parts, lifts, (stretchesOf, lift) => {
        const raised = stretchesOf.map((own) =>
          own.map((one, i) => {
            const isRead = ['value', 'ramp', 'span'].includes(one.kind);
            const level = one.level + lift[i % lift.length]! * (1 - one.level);
            return isRead ? { ...one, level } : one;
          }),
        );
        const low = judge(of, givenOf(of, stretchesOf));
        const high = judge(of, { ...givenOf(of, raised), ...gateOf(of, stretchesOf) });
        // A second that becomes heat changes the contact time, and with it the row of the table.
        const contact = 'heatContactSeconds';
        if (low.details?.[contact] !== high.details?.[contact]) return;
        compared++;
        expect(RANK.indexOf(high.verdict)).toBeLessThanOrEqual(RANK.indexOf(low.verdict));
      }),
      { numRuns: 12 },
    );
    expect(compared).toBeGreaterThan(2);
  });
});
