import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FLAGS, type Flag } from '../../src/model/flags.ts';
import {
  channelCells,
  createCellStore,
  putDatum,
  readCell,
} from '../../src/thresholds/cell-store.ts';
import { cellsHash } from '../../src/thresholds/input-hash.ts';
import { plainCell } from '../../src/thresholds/packed-cell.ts';
import { readInputCells } from '../../src/thresholds/read-input-cells.ts';
import type { BarReason, InputCell } from '../../src/thresholds/rule-inputs.ts';
import { type ClockClass, secondLetter, stateOf } from '../../src/thresholds/second-state.ts';

const FIRST = 29_150_000;

const value = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: -50, max: 1_400 }).map((n) => n / 10) },
  fc.integer({ min: 0, max: 9_000_000 }).map((n) => n / 10_000),
  fc.float({ noNaN: true, noDefaultInfinity: true }).map((v) => v + 0),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((v) => v + 0),
);
/** Mostly whole minutes of normal values, as a channel's are. */
const datum = fc.record({
  minute: fc.integer({ min: 0, max: 5 }),
  from: fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, fc.integer({ min: 0, max: 59 })),
  length: fc.oneof({ weight: 3, arbitrary: fc.constant(60) }, fc.integer({ min: 1, max: 60 })),
  values: fc.array(value, { minLength: 1, maxLength: 4 }),
  flag: fc.oneof(
    { weight: 5, arbitrary: fc.constant<Flag>('N') },
    fc.constantFrom(...(Object.keys(FLAGS) as Flag[])),
  ),
  isNull: fc.boolean(),
  clock: fc.constantFrom<ClockClass>(0, 0, 0, 1, 2),
});
const barred = fc.constantFrom<BarReason | undefined>(undefined, undefined, 'mark', 'profile');

/** What the rules are given of a minute, slow and obvious. */
function obviousCell(cells: ReturnType<typeof channelCells>, minute: number, bar?: BarReason) {
  const cell = readCell(cells, minute);
  if (cell === undefined) return [];
  const states = [...cell.states].map(secondLetter).join('');
  const values = [...cell.values].filter((_, s) => states[s] === 'N' || states[s] === 'k');
  const written = values.every((v) => v === values[0]) ? values.slice(0, 1) : values;
  const plain = { minuteMs: minute * 60_000, states, values: written };
  return [bar === undefined ? plain : { ...plain, barred: bar }];
}

describe('readInputCells()', () => {
  it('gives the cells second by second, and of them the hash that a stranger makes', () => {
    fc.assert(
      fc.property(
        fc.array(datum, { maxLength: 14 }),
        fc.array(barred, { minLength: 6, maxLength: 6 }),
        (data, bars) => {
          const cells = channelCells(createCellStore(), 3);
          for (const d of data) {
            const isNull = d.isNull && d.flag !== 'N';
            const to = Math.min(59, d.from + d.length - 1);
            for (let s = d.from; s <= to; s++) {
              const read = isNull ? 0 : d.values[s % d.values.length]!;
              putDatum(cells, FIRST + d.minute, s, s, stateOf(isNull, d.flag, d.clock), read);
            }
          }
          const barOf = (minute: number) => bars[minute - FIRST];
          const wanted = bars.flatMap((bar, i): InputCell[] => obviousCell(cells, FIRST + i, bar));
          const read = readInputCells(cells, FIRST, FIRST + 6, barOf);
          expect(read.cells.map(plainCell)).toEqual(wanted);
          expect(read.hash).toBe(cellsHash(wanted));
          expect(read.hash).toBe(cellsHash(JSON.parse(JSON.stringify(wanted))));
        },
      ),
      { numRuns: 500 },
    );
  });
});

describe('cellsHash()', () => {
  const cell: InputCell = { minuteMs: 60_000, states: 'N'.repeat(60), values: [1.5] };

  it.each([
    ['another minute', { ...cell, minuteMs: 120_000 }],
    ['another value', { ...cell, values: [1.6] }],
    ['one second missing', { ...cell, states: `${'N'.repeat(59)}-` }],
    ['a clock error', { ...cell, states: 'k'.repeat(60) }],
    ['a bar', { ...cell, barred: 'mark' as const }],
  ])('changes with %s', (_, other) => {
    expect(cellsHash([other])).not.toBe(cellsHash([cell]));
  });
});
