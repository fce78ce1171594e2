import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { LimitKind } from '../../src/model/limits.ts';
import {
  type ChannelCells,
  channelCells,
  createCellStore,
  putDatum,
} from '../../src/thresholds/cell-store.ts';
import { evaluateRule } from '../../src/thresholds/evaluate-rule.ts';
import { readMinuteTable } from '../../src/thresholds/minute-table.ts';
import { plainCell } from '../../src/thresholds/packed-cell.ts';
import { readInputCells } from '../../src/thresholds/read-input-cells.ts';
import type { RuleInputs } from '../../src/thresholds/rule-inputs.ts';
import { type SecondState, stateOf } from '../../src/thresholds/second-state.ts';
import { limitOf, profile, ruleInputs } from './rule-case.ts';
import { DAY_START_MS, MIN } from './world.ts';

const MINUTES = 20;
const FIRST = DAY_START_MS / MIN;
const NORMAL = stateOf(false, 'N', 0);

/** How a channel's numbers are written decides how they are read back. */
const numbers: fc.Arbitrary<fc.Arbitrary<number>> = fc.constantFrom(
  fc.integer({ min: -20, max: 1_300 }).map((n) => n / 10),
  fc.integer({ min: 700, max: 900 }).map((n) => n / 10),
  fc.integer({ min: 2_400, max: 2_700 }).map((n) => n / 100),
  fc.integer({ min: 0, max: 90_000 }).map((n) => n / 10_000),
  fc.constant(83.2),
  fc.float({ min: 0, max: 140, noNaN: true }),
  fc.double({ min: 0, max: 140, noNaN: true }),
);

/** Mostly whole minutes; some with a second of another state. */
const minute = numbers.chain((number) =>
  fc.record({
    values: fc.array(number, { minLength: 60, maxLength: 60 }),
    odd: fc.option(
      fc.record({
        second: fc.integer({ min: 0, max: 59 }),
        state: fc.constantFrom<SecondState>(
          stateOf(false, 'N', 1),
          stateOf(false, 'M', 0),
          stateOf(false, 'T', 0),
          stateOf(true, 'B', 0),
        ),
      }),
      { freq: 4 },
    ),
  }),
);

const profiles = fc.record({
  lod: fc.constantFrom(0, 0.5, 25),
  unitFactor: fc.constantFrom(1, 1.25, 1 / 3),
  range: fc.constantFrom<[number, number]>([-10, 140], [0, 200], [24, 100]),
});

const kinds = fc.constantFrom<LimitKind>('PC_TWA', 'PC_STEL', 'MAC', 'LEX_8H', 'WBGT');

function fill(cells: ChannelCells, minutes: readonly { values: number[] }[]): void {
  for (const [i, { values }] of minutes.entries()) {
    for (const [second, value] of values.entries()) {
      putDatum(cells, FIRST + i, second, second, NORMAL, value + 0);
    }
  }
}

it('minutes added up from their packed bytes give the table that second by second gives', () => {
  fc.assert(
    fc.property(
      fc.array(minute, { minLength: 1, maxLength: MINUTES }),
      fc.array(fc.tuple(kinds, profiles), { minLength: 1, maxLength: 4 }),
      (minutes, rules) => {
        const cells = channelCells(createCellStore(), 3);
        fill(cells, minutes);
        for (const [i, { odd }] of minutes.entries()) {
          if (odd !== null) putDatum(cells, FIRST + i, odd.second, odd.second, odd.state, 0);
        }
        const packed = readInputCells(cells, FIRST, FIRST + MINUTES, () => undefined);
        const plain = packed.cells.map(plainCell);
        for (const [kind, of] of rules) {
          const inputs = inputsOf(kind, of);
          const read = { ...inputs, cells: packed.cells };
          const wanted = { ...inputs, cells: plain };
          expect(readMinuteTable(read)).toEqual(readMinuteTable(wanted));
          expect(evaluateRule(read, () => packed.hash)).toEqual(evaluateRule(wanted));
        }
      },
    ),
    { numRuns: 200 },
  );
});

const inputsOf = (kind: LimitKind, of: Parameters<typeof profile>[0]): RuleInputs =>
  ruleInputs({
    kind,
    limit: limitOf(kind, 30),
    minutes: new Array<null>(MINUTES).fill(null),
    wbgtRows: [{ ratePercent: 100, valueC: 26 }],
    profiles: [profile(of)],
  });
