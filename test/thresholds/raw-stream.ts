import fc from 'fast-check';
import type { RawSecond } from './oracle.ts';
import { DAY_START_MS, type TestFrame } from './world.ts';

/** A stretch of seconds of one kind. */
export interface Stretch {
  readonly kind:
    | 'value'
    | 'ramp'
    | 'hole'
    | 'null-B'
    | 'T'
    | 'null-T'
    | 'M'
    | 'conflict'
    | 'wild'
    | 'span';
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

/** Means over whole spans as well, inside a minute or across its edges. */
export const spannedStretch: fc.Arbitrary<Stretch> = fc.oneof(
  { weight: 4, arbitrary: stretch },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('span' as const),
      length: fc.oneof(fc.integer({ min: 2, max: 40 }), fc.constantFrom(60, 90, 300, 900)),
      level: fc.double({ min: 0, max: 1, noNaN: true }),
    }),
  },
);

/** A mean over the seconds [from, to). */
export interface RawSpan {
  readonly from: number;
  readonly to: number;
  readonly value: number;
}

/** One datum as a gateway sends it; conflicts are two. */
export interface RawStream {
  /** Means over several seconds; `seconds` has holes there. */
  readonly spans: readonly RawSpan[];
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
  const spans: RawSpan[] = [];
  for (let i = 0; seconds.length < lengthS; i++) {
    const { kind, length, level } = stretches[i % stretches.length]!;
    if (kind === 'span') {
      const from = seconds.length;
      const to = Math.min(lengthS, from + length);
      const value = round(bottom + level * (top - bottom));
      spans.push({ from, to, value });
      frames.push({ at: DAY_START_MS + to * 1_000, spanMs: (to - from) * 1_000, value });
      for (let s = from; s < to; s++) seconds.push('hole');
      continue;
    }
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
  return { seconds, frames, spans };
}
