import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Frame } from '../../src/model/batch.ts';
import { CrewId } from '../../src/model/ids.ts';
import { evaluateShift } from '../../src/thresholds/evaluate-shift.ts';
import { rawStream, spannedStretch } from './raw-stream.ts';
import {
  chained,
  chunked,
  DAY,
  DAY_START_MS,
  GATEWAY,
  liveJournal,
  minutes,
  type Run,
  runEntries,
  type TestFrame,
  type WorldOptions,
  worldFacts,
} from './world.ts';

const CREW = CrewId.parse('crew-1');
const frameOf = ({ at, spanMs, value, flag, device = 'dev-1' }: TestFrame) => ({
  gateway: GATEWAY,
  frame: {
    device,
    at,
    spanMs,
    values: { x: value },
    ...(flag ? { flags: { x: flag } } : {}),
  } as unknown as Frame,
});

/** Last revision of each rule of a shift as the engine has it, without its number. */
function lastOf({ results }: Run, shiftStartMs: number) {
  const last = new Map(
    results
      .filter(({ subject }) => subject.shift.startMs === shiftStartMs)
      .map(({ revision: _, ...result }) => [result.resultKey, result]),
  );
  return [...last.values()].sort((a, b) => (a.resultKey < b.resultKey ? -1 : 1));
}

const shuffled = <T>(items: readonly T[], seed: number): T[] =>
  items
    .map((item, i) => ({ item, rank: Math.sin(seed + i * 7_919) }))
    .sort((a, b) => a.rank - b.rank)
    .map(({ item }) => item);

function compare(world: WorldOptions, frames: readonly TestFrame[], at: number, seed: number) {
  const engine = runEntries(liveJournal(world, chained(chunked(frames, 20 + (seed % 50)))));
  const results = evaluateShift({
    facts: worldFacts(world),
    frames: shuffled(frames, seed).map(frameOf),
    crew: CREW,
    shiftStartMs: at,
  });
  const sorted = results.toSorted((a, b) => (a.resultKey < b.resultKey ? -1 : 1));
  expect(lastOf(engine, at)).toEqual(sorted);
  return sorted;
}

const SHIFT = { name: 'short', days: [1], start: '08:00', end: '09:00' };
const WORLDS: readonly WorldOptions[] = [
  { shifts: [SHIFT], range: [0, 100], lod: 2 },
  { shifts: [SHIFT], range: [0, 100], factor: 'acetonitrile' },
  { shifts: [SHIFT], range: [40, 120], factor: 'noise', unit: 'dB(A)' },
];

describe('evaluateShift()', () => {
  it.each(WORLDS)('from shuffled frames is what the engine ends with: $factor', (world) => {
    fc.assert(
      fc.property(
        fc.array(spannedStretch, { minLength: 1, maxLength: 15 }),
        fc.nat(1_000),
        (stretches, seed) => {
          const { frames } = rawStream(stretches, 3_600, world.range!);
          // The engine knows a channel from its first reading on: before it there is nothing to end with.
          fc.pre(frames.some(({ value }) => value !== null));
          const trailer = { at: DAY_START_MS + 3_900_000, spanMs: 1_000, value: 50 };
          compare(world, [...frames, trailer], DAY_START_MS, seed);
        },
      ),
      { numRuns: 15 },
    );
  });

  it('judges the weekly form from the days before', () => {
    const days = [1, 2, 3, 4, 5, 6];
    const shifts = [{ name: 'd', days, start: '08:00', end: '09:00' }];
    const world: WorldOptions = {
      shifts,
      daysPerWeek: 6,
      factor: 'noise',
      unit: 'dB(A)',
      range: [40, 120],
    };
    const frames = days.flatMap((day) =>
      minutes(
        [
          [90 + day, 60],
          [50, 5],
        ],
        DAY_START_MS + (day - 1) * DAY,
      ),
    );
    const [result] = compare(world, frames, DAY_START_MS + 5 * DAY, 3);
    expect(result?.details?.['cycleShifts']).toBe(6);
  });
});
