import fc from 'fast-check';
import type { RawSecond } from './oracle.ts';
import { DAY_START_MS, type TestFrame } from './world.ts';

/** A stretch of seconds of one kind. */
export interface Stretch {
  readonly kind: 'value' | 'ramp' | 'hole' | 'null-B' | 'T' | 'null-T' | 'M' | 'conflict' | 'wild';
  readonly length: number;
  /** 0–1 of the range. */
  readonly level: number;
}

export const stretch: fc.Arbitrary<Stretch> = fc.record({
  kind: fc.oneof(
    { weight: 8, arbitrary: fc.constantFrom('value', 'ramp') },
    {
      weight: 4,
      arbitrary: fc.constantFrom('hole', 'null-B', 'T', 'null-T', 'M', 'conflict', 'wild'),
    },
  ) as fc.Arbitrary<Stretch['kind']>,
  length: fc.oneof(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 30, max: 900 })),
  level: fc.double({ min: 0, max: 1, noNaN: true }),
});

/** One datum as a gateway sends it; conflicts are two. */
export interface RawStream {
  readonly seconds: readonly RawSecond[];
  readonly frames: readonly TestFrame[];
}

const round = (value: number): number => Math.round(value * 10) / 10;

/** Fills `lengthS` seconds with the stretches, again from the first when they are used up. */
export function rawStream(
  stretches: readonly Stretch[],
  lengthS: number,
  [bottom, top]: readonly [number, number],
): RawStream {
  const seconds: RawSecond[] = [];
  const frames: TestFrame[] = [];
  for (let i = 0; seconds.length < lengthS; i++) {
    const { kind, length, level } = stretches[i % stretches.length]!;
    for (let j = 0; j < length && seconds.length < lengthS; j++) {
      const at = DAY_START_MS + (seconds.length + 1) * 1_000;
      const share = kind === 'ramp' ? Math.min(1, level + (j % 50) / 200) : level;
      const value = round(bottom + share * (top - bottom));
      const put = (v: number | null, flag?: TestFrame['flag']): void => {
        frames.push({ at, spanMs: 1_000, value: v, ...(flag ? { flag } : {}) });
      };
      if (kind === 'hole') seconds.push('hole');
      else if (kind === 'null-B') {
        put(null, 'B');
        seconds.push('hole');
      } else if (kind === 'T') {
        put(value, 'T');
        seconds.push('T');
      } else if (kind === 'null-T') {
        put(null, 'T');
        seconds.push('T');
      } else if (kind === 'M') {
        put(value, 'M');
        seconds.push('excluded');
      } else if (kind === 'conflict') {
        put(value);
        put(round(value === top ? bottom : top));
        seconds.push('conflict');
      } else if (kind === 'wild') {
        put(top * 2 + 1);
        seconds.push('excluded');
      } else {
        put(value);
        seconds.push(value);
      }
    }
  }
  return { seconds, frames };
}
