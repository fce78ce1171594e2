import fc from 'fast-check';
import { expect, it } from 'vitest';
import {
  channelCells,
  createCellStore,
  dropCellsBefore,
  putDatum,
} from '../../src/thresholds/cell-store.ts';
import { cellPieces } from '../../src/thresholds/checkpoint-cells.ts';
import { stateOf } from '../../src/thresholds/second-state.ts';
import type { Piece } from '../../src/thresholds/snapshot.ts';

const NORMAL = stateOf(false, 'N', 0);

/** Minutes that change again and again, so that records are dropped, moved and put into others' places. */
const change = fc.oneof(
  {
    weight: 20,
    arbitrary: fc.record({
      channel: fc.constantFrom(0, 1, 63, 64, 300, 5_000),
      minute: fc.integer({ min: 0, max: 130 }),
      value: fc.constantFrom(0.1, 1, Math.PI, Math.E),
      seconds: fc.constantFrom(1, 40, 60),
    }),
  },
  { weight: 1, arbitrary: fc.record({ channel: fc.constantFrom(0, 64), before: fc.nat(140) }) },
);

it('pieces of cells are those of when they were made, whatever changes before they are taken', () => {
  fc.assert(
    fc.property(
      fc.array(change, { minLength: 30, maxLength: 300 }),
      fc.array(change, { minLength: 1, maxLength: 6 }),
      (before, after) => {
        const store = createCellStore();
        const apply = (one: (typeof before)[number]): void => {
          const cells = channelCells(store, one.channel);
          if ('before' in one) {
            dropCellsBefore(cells, one.before);
            return;
          }
          for (let s = 0; s < one.seconds; s++) {
            putDatum(cells, one.minute, s, s, NORMAL, one.value + s * one.value);
          }
        };
        const bytesOf = (pieces: readonly Piece[]) =>
          pieces.map((piece) => [piece.name, Buffer.from(piece.bytes()).toString('latin1')]);
        for (const one of before) apply(one);
        const wanted = bytesOf([...cellPieces(store, [])]);
        const ends: ((isStored: boolean) => void)[] = [];
        const pieces = [...cellPieces(store, ends)];
        for (const one of after) apply(one);
        expect(bytesOf(pieces)).toEqual(wanted);
        for (const end of ends) end(true);
        // What was not touched since is known as stored, and only that.
        const now = [...cellPieces(store, [])].filter(({ name }) => name.startsWith('hour-'));
        const same = now.filter(({ isStored }) => isStored).map(({ name }) => name);
        const known = new Map(wanted as [string, string][]);
        for (const [name, bytes] of bytesOf(now) as [string, string][]) {
          if (same.includes(name)) expect(bytes === known.get(name)).toBe(true);
        }
      },
    ),
    { numRuns: 60 },
  );
});
