import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createSaturationReader } from '../../src/thresholds/saturation.ts';

type Second = 'high' | 'low' | 'T' | 'hole';
type Run = readonly [Second, number];

const secondsOf = (runs: readonly Run[]): Second[] =>
  runs.flatMap(([kind, length]) => Array.from({ length }, () => kind));

/** Seconds of T that count as the range top. */
function counted(seconds: readonly Second[]): number {
  const reader = createSaturationReader();
  for (const [second, kind] of seconds.entries()) {
    const minute = Math.floor(second / 60);
    if (kind === 'T') reader.saturated(second, minute, 1);
    else if (kind !== 'hole') reader.seen(second, minute, kind === 'high');
  }
  return reader.done().reduce((sum, { sum: part }) => sum + part, 0);
}

const run: fc.Arbitrary<Run> = fc.tuple(
  fc.constantFrom<Second>('high', 'low', 'T', 'T', 'hole'),
  fc.oneof(
    fc.integer({ min: 1, max: 5 }),
    fc.integer({ min: 55, max: 65 }),
    fc.integer({ min: 1_700, max: 1_810 }),
  ),
);

describe('T, above the measuring range', () => {
  it('counts when it lasts no longer than 30 min from the rise to the value that ends it', () => {
    const lasting = (length: number) =>
      counted(
        secondsOf([
          ['high', 1],
          ['T', length],
          ['low', 1],
        ]),
      );
    expect(lasting(1_799)).toBe(1_799);
    expect(lasting(1_800)).toBe(0);
  });

  it('is no shorter for a hole in it', () => {
    const holed = secondsOf([
      ['high', 1],
      ['T', 30],
      ['hole', 1],
      ['T', 1_769],
      ['low', 1],
    ]);
    expect(counted(holed)).toBe(0);
  });

  it('never counts more seconds when data are lost', () => {
    fc.assert(
      fc.property(
        fc.array(run, { minLength: 2, maxLength: 8 }),
        fc.array(fc.nat(5_000), { minLength: 1, maxLength: 6 }),
        fc.array(fc.tuple(fc.nat(5_000), fc.integer({ min: 1, max: 90 })), { maxLength: 2 }),
        (runs, lost, stretches) => {
          const all = secondsOf(runs);
          const kept = all.map((kind, i) =>
            lost.includes(i) || stretches.some(([from, length]) => i >= from && i < from + length)
              ? 'hole'
              : kind,
          );
          expect(counted(kept)).toBeLessThanOrEqual(counted(all));
        },
      ),
      {
        numRuns: 1_000,
        examples: [
          [
            [
              ['high', 1],
              ['T', 1_810],
              ['low', 1],
            ],
            [30],
            [],
          ],
        ],
      },
    );
  });
});
