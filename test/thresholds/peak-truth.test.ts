import fc from 'fast-check';
import { expect, it } from 'vitest';
import { randomOf } from './completion.ts';
import { judge, type MinuteValues, profile, values } from './rule-case.ts';
import { peakBroken } from './truth.ts';

const PC_TWA = 10;
const SHIFT_MINUTES = 480;
const profiles = [profile({ range: [0, 200], uncertainty: { abs: 1, rel: 0 } })];

/** As if the peak rule were mandatory: the law as it stands lets it suspect at most. */
const verdictOf = (minutes: MinuteValues) =>
  judge({ kind: 'PEAK', limit: 3 * PC_TWA, minutes, profiles }).verdict;

const isBroken = (minutes: readonly number[]): boolean =>
  peakBroken(
    'x',
    PC_TWA,
  )({
    of: { x: Float64Array.from(minutes.flatMap((value) => Array<number>(60).fill(value))) },
    exposed: new Uint8Array(minutes.length * 60).fill(1),
  });

/** Quiet, peaks of all kinds, and holes. */
const part = fc.oneof(
  fc.tuple(fc.constant(2), fc.integer({ min: 1, max: 90 })),
  fc.tuple(fc.constantFrom(31, 35, 40, 49), fc.integer({ min: 1, max: 17 })),
  fc.tuple(fc.constant(null), fc.integer({ min: 1, max: 12 })),
  fc.tuple(fc.constant(28), fc.integer({ min: 1, max: 6 })),
);

it('PEAK: `exceeded` is so in every one of 200 truths that the data allow', () => {
  const broken = new Set<string>();
  let accused = 0;
  fc.assert(
    fc.property(fc.array(part, { minLength: 3, maxLength: 30 }), fc.nat(), (parts, seed) => {
      const once = values(parts);
      const seen = Array.from({ length: SHIFT_MINUTES }, (_, i) => once[i % once.length]!);
      const result = judge({ kind: 'PEAK', limit: 3 * PC_TWA, minutes: seen, profiles });
      if (result.verdict !== 'exceeded') return;
      accused++;
      for (const note of result.notes ?? []) broken.add(note);
      const random = randomOf(seed);
      const fills = [() => 0, () => 200, (i: number) => (i % 2) * 200, () => random() * 60];
      for (let i = 0; i < 200; i++) {
        const fill = fills[Math.min(i, 3)]!;
        const truth = seen.map((value, minute) => value ?? fill(minute));
        if (!isBroken(truth)) expect.fail(`completion ${i} breaks nothing`);
      }
    }),
    { numRuns: 25 },
  );
  expect(accused).toBeGreaterThan(4);
  // The ways to break the rule that this stream holds; the ceiling has a test of its own.
  expect([...broken]).toEqual(expect.arrayContaining(['peak-duration', 'peak-spacing']));
});

it('PEAK: with everything seen, `exceeded` and `within` are what the obvious rule says', () => {
  fc.assert(
    fc.property(fc.array(part, { minLength: 3, maxLength: 30 }), (parts) => {
      const once = values(parts).map((value) => value ?? 2);
      const seen = Array.from({ length: SHIFT_MINUTES }, (_, i) => once[i % once.length]!);
      const verdict = verdictOf(seen);
      if (verdict === 'exceeded') expect(isBroken(seen)).toBe(true);
      if (verdict === 'within') expect(isBroken(seen)).toBe(false);
      if (verdict === 'suspected') expect(isBroken(seen)).toBe(true);
    }),
    { numRuns: 80 },
  );
});
