import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FLAGS, type Flag } from '../../src/model/flags.ts';
import { archiveBytes } from '../../src/thresholds/cell-archive.ts';
import {
  cellMinutes,
  channelCells,
  createCellStore,
  dropCellsBefore,
  packedCell,
  putDatum,
  readCell,
} from '../../src/thresholds/cell-store.ts';
import {
  CHANGED,
  CONFLICTED,
  emptyCell,
  type MinuteCell,
  UNCHANGED,
} from '../../src/thresholds/minute-cell.ts';
import { packed, packMinute } from '../../src/thresholds/pack-cell.ts';
import { type ClockClass, secondLetter, stateOf } from '../../src/thresholds/second-state.ts';
import { unpackCell } from '../../src/thresholds/unpack-cell.ts';
import { putObviously } from './obvious-cell.ts';

interface Datum {
  readonly from: number;
  readonly to: number;
  readonly value: number | null;
  readonly flag: Flag;
  readonly clock: ClockClass;
}

const datum: fc.Arbitrary<Datum> = fc
  .record({
    from: fc.integer({ min: 0, max: 59 }),
    length: fc.integer({ min: 0, max: 20 }),
    value: fc.constantFrom(1, 2.5, null),
    flag: fc.constantFrom(...(Object.keys(FLAGS) as Flag[])),
    clock: fc.constantFrom<ClockClass>(0, 0, 0, 1, 2),
  })
  .map(({ from, length, value, flag, clock }) => ({
    from,
    to: Math.min(59, from + length),
    value,
    flag: value === null && flag === 'N' ? 'B' : flag,
    clock,
  }));

const newCells = (index = 0) => channelCells(createCellStore(), index);

const put = (cells: ReturnType<typeof newCells>, d: Datum) =>
  putDatum(cells, 7, d.from, d.to, stateOf(d.value === null, d.flag, d.clock), d.value ?? 0);

const cellsOf = (data: readonly Datum[]) => {
  const cells = newCells();
  for (const d of data) put(cells, d);
  return cells;
};
const cellOf = (data: readonly Datum[]): MinuteCell => readCell(cellsOf(data), 7) ?? emptyCell(7);

const at = (value: number | null, flag: Flag = 'N', clock: ClockClass = 0): Datum => ({
  from: 3,
  to: 3,
  value,
  flag,
  clock,
});
const letterAfter = (...data: readonly Datum[]): string => secondLetter(cellOf(data).states[3]!);

describe('putDatum()', () => {
  it('gives the same cell whatever the order and repetition of arrival', () => {
    fc.assert(
      fc.property(
        fc
          .array(datum, { maxLength: 12 })
          .chain((data) =>
            fc.tuple(
              fc.constant(data),
              fc.shuffledSubarray([...data, ...data], { minLength: data.length * 2 }),
            ),
          ),
        ([data, shuffled]) => {
          expect(cellOf(shuffled)).toEqual(cellOf(data));
        },
      ),
    );
  });

  it('covers a second once: the same datum again changes nothing', () => {
    expect(put(cellsOf([at(5)]), at(5))).toBe(UNCHANGED);
  });

  it('excludes a second for which two values came, and says so once', () => {
    const cells = cellsOf([at(5)]);
    expect(put(cells, at(6))).toBe(CONFLICTED);
    expect(secondLetter(readCell(cells, 7)!.states[3]!)).toBe('X');
    expect(put(cells, at(5))).toBe(UNCHANGED);
  });

  it('lets a later value count for a second that was null', () => {
    expect(letterAfter(at(null, 'M'), at(5))).toBe('N');
    expect(letterAfter(at(5), at(null, 'B'))).toBe('N');
    expect(put(cellsOf([at(null, 'B')]), at(5))).toBe(CHANGED);
  });

  it('takes a value with flag B as no communication, which covers nothing', () => {
    expect(letterAfter(at(5, 'B'))).toBe('b');
    expect(letterAfter(at(5, 'B'), at(6))).toBe('N');
  });

  it('makes a conflict of a flagged value and another value, not of an equal pair', () => {
    expect(letterAfter(at(5, 'M'), at(5))).toBe('X');
    expect(letterAfter(at(5, 'M'), at(5, 'M'))).toBe('M');
  });

  it('keeps the worse clock of two equal data', () => {
    expect(letterAfter(at(5), at(5, 'N', 2))).toBe('K');
    expect(letterAfter(at(5, 'N', 1), at(5))).toBe('k');
  });

  it('spreads a mean over all seconds of its span', () => {
    const cell = cellOf([{ ...at(5), from: 10, to: 19 }]);
    expect([...cell.states].filter((state) => state !== 0)).toHaveLength(10);
  });
});

/** Numbers as instruments give them, and some that only fit in a double. */
const decimal = fc.integer({ min: -1_000, max: 1_400 }).map((n) => n / 10);
const fine = fc.integer({ min: -60_000, max: 60_000_000 }).map((n) => n / 10_000);
const single = fc.float({ noNaN: true, noDefaultInfinity: true }).map((v) => v + 0);
const double = fc.double({ noNaN: true, noDefaultInfinity: true }).map((v) => v + 0);
const anyNumber = fc.oneof(
  { weight: 6, arbitrary: decimal },
  fine,
  single,
  double,
  fc.constantFrom(0, 2 ** 31 - 1, 2 ** 31, -(2 ** 31), 2 ** 32, 0.1 + 0.2),
);
/** Mostly of one kind, as a channel's are. */
const numbersOfChannel = fc.oneof(...[decimal, fine, single, double, anyNumber]);

const placed = fc.tuple(fc.integer({ min: 1_000, max: 1_003 }), datum);
const history = fc.tuple(
  fc.array(placed, { minLength: 1, maxLength: 60 }),
  fc.array(
    numbersOfChannel.chain((n) => fc.constant(n)),
    { minLength: 4, maxLength: 12 },
  ),
);

const bits = (cell: MinuteCell) => [
  [...cell.states],
  [...new BigUint64Array(cell.values.buffer, cell.values.byteOffset, 60)],
];

/** Puts the same data into a store and into plain cells. */
function both(data: readonly (readonly [number, Datum])[], numbers: readonly number[]) {
  const cells = newCells(300);
  const obvious = new Map<number, MinuteCell>();
  for (const [i, [minute, d]] of data.entries()) {
    const cell = obvious.get(minute) ?? emptyCell(minute);
    obvious.set(minute, cell);
    const state = stateOf(d.value === null, d.flag, d.clock);
    const value = d.value === null ? 0 : numbers[i % numbers.length]!;
    const wanted = putObviously(cell, d.from, d.to, state, value);
    expect(putDatum(cells, minute, d.from, d.to, state, value)).toBe(wanted);
  }
  return { cells, obvious };
}

describe('the cell store', () => {
  it('gives every minute back to the last bit, whatever the numbers and the order of minutes', () => {
    fc.assert(
      fc.property(history, ([data, numbers]) => {
        const { cells, obvious } = both(data, numbers);
        expect(cellMinutes(cells)).toEqual([...obvious.keys()].sort((a, b) => a - b));
        for (const [minute, cell] of obvious) {
          expect(bits(readCell(cells, minute)!)).toEqual(bits(cell));
        }
      }),
      { numRuns: 400 },
    );
  });

  it('packs a minute to bytes that depend on its content alone, and takes them back', () => {
    fc.assert(
      fc.property(history, ([data, numbers]) => {
        const { cells, obvious } = both(data, numbers);
        for (const [minute, cell] of obvious) {
          const bytes = packedCell(cells, minute);
          expect([...bytes]).toEqual([...packed.slice(0, packMinute(cell))]);
          const again = emptyCell(minute);
          unpackCell({ bytes, view: new DataView(bytes.buffer) }, 0, again);
          expect(bits(again)).toEqual(bits(cell));
        }
      }),
      { numRuns: 400 },
    );
  });

  it('gives readings back to the last bit just where a byte a second begins not to hold them', () => {
    const spread = fc.record({
      low: fc.oneof(
        fc.integer({ min: -300, max: 300 }),
        fc.constantFrom(-(2 ** 31), 2 ** 31 - 300, 2 ** 31),
      ),
      steps: fc.array(fc.integer({ min: 0, max: 260 }), { minLength: 1, maxLength: 60 }),
      decimals: fc.constantFrom(0, 1, 2, 3, 4, 5),
      flag: fc.constantFrom<Flag>('N', 'N', 'M', 'T'),
    });
    const placeOf = fc.integer({ min: 0, max: 59 });
    fc.assert(
      fc.property(
        spread,
        fc.array(placeOf, { minLength: 60, maxLength: 60 }),
        ({ low, steps, decimals, flag }, places) => {
          const cells = newCells(3);
          const obvious = emptyCell(9);
          const state = stateOf(false, flag, 0);
          for (const [i, step] of steps.entries()) {
            const value = (low + step) / 10 ** decimals;
            const from = places[i]!;
            const to = Math.min(59, from + (step % 3));
            const wanted = putObviously(obvious, from, to, state, value);
            expect(putDatum(cells, 9, from, to, state, value)).toBe(wanted);
          }
          expect(bits(readCell(cells, 9)!)).toEqual(bits(obvious));
          const length = packMinute(obvious);
          const wanted = [...packed.slice(0, length)];
          expect([...packedCell(cells, 9)]).toEqual(wanted);
        },
      ),
      { numRuns: 1_000 },
    );
  });

  it('gives back the room of a minute that a byte a second did not hold when it closes', () => {
    const store = createCellStore();
    const normal = stateOf(false, 'N', 0);
    for (let minute = 0; minute < 100; minute++) {
      for (let index = 0; index < 3; index++) {
        const cells = channelCells(store, index);
        for (let s = 0; s < 60; s++) putDatum(cells, minute, s, s, normal, s * 100);
      }
    }
    expect(store.loose.used).toBe(3);
    for (let index = 0; index < 3; index++) {
      const cells = channelCells(store, index);
      putDatum(cells, 100, 0, 0, normal, 1);
      expect(readCell(cells, 100)?.values[0]).toBe(1);
    }
    expect(store.loose.free).toHaveLength(3);
  });

  it('takes a byte a second for readings to one decimal, and 10 bytes for a minute mean', () => {
    const cells = newCells();
    const normal = stateOf(false, 'N', 0);
    for (let s = 0; s < 60; s++) putDatum(cells, 1, s, s, normal, (700 + s * 3) / 10);
    putDatum(cells, 2, 0, 59, normal, 83.123456789);
    expect(packedCell(cells, 1).byteLength).toBe(67);
    expect(packedCell(cells, 2).byteLength).toBe(10);
  });

  it('keeps channels apart, and forgets the old minutes of one alone', () => {
    const store = createCellStore();
    const all = [0, 1, 63, 64, 511, 512, 700].map((index) => channelCells(store, index));
    const minutes = [59, 60, 61, 119, 120, 300];
    const normal = stateOf(false, 'N', 0);
    for (const minute of minutes) {
      for (const cells of all) putDatum(cells, minute, 0, 0, normal, cells.index + minute / 10);
    }
    dropCellsBefore(all[2]!, 61);
    for (const cells of all) {
      const kept = cells === all[2] ? minutes.slice(2) : minutes;
      expect(cellMinutes(cells)).toEqual(kept);
      for (const minute of kept) {
        expect(readCell(cells, minute)?.values[0]).toBe(cells.index + minute / 10);
      }
    }
    for (const cells of all) dropCellsBefore(cells, 1_000);
    expect(archiveBytes(store.archive)).toBe(0);
  });

  it('needs no more room when the same minutes change again and again', () => {
    const cells = newCells();
    const normal = stateOf(false, 'N', 0);
    for (let s = 0; s < 60; s++) {
      for (let minute = 0; minute < 50; minute++) putDatum(cells, minute, s, s, normal, s / 10);
    }
    expect(archiveBytes(cells.archive)).toBeLessThanOrEqual(2 * 65_536);
    expect(readCell(cells, 3)?.values[59]).toBe(5.9);
  });
});
