import { MINUTE_MS } from '../model/time.ts';
import { CELL_SECONDS, emptyCell, type MinuteCell } from './minute-cell.ts';
import { ONE } from './pack-cell.ts';
import type { BarReason, InputCell } from './rule-inputs.ts';
import { isReadable, NORMAL, secondLetter } from './second-state.ts';
import { type PackedBytes, unpackCell, unpackWhole } from './unpack-cell.ts';

const scratch = emptyCell(0);

/** 60 of each letter: most minutes are all alike, and share one string. */
const SAME = Array.from({ length: 256 }, (_, state) => secondLetter(state).repeat(CELL_SECONDS));

/**
 * A minute as it lies packed in memory, unpacked by whoever asks for its letters or values: the sums of a
 * whole one are made from its bytes. It holds until the engine takes the next datum; `plainCell` gives what
 * outlives it. A class, because tens of thousands are made when a shift ends.
 */
export class PackedCell implements InputCell {
  readonly minute: number;
  readonly from: PackedBytes;
  readonly at: number;
  readonly barred: BarReason | undefined;

  constructor(minute: number, from: PackedBytes, at: number, barred: BarReason | undefined) {
    this.minute = minute;
    this.from = from;
    this.at = at;
    this.barred = barred;
  }

  get minuteMs(): number {
    return this.minute * MINUTE_MS;
  }

  /** Every second holds a value with flag N by a right clock. */
  get isNormal(): boolean {
    const { bytes } = this.from;
    return (bytes[this.at]! & 0b1111) === ONE && bytes[this.at + 1] === NORMAL;
  }

  get states(): string {
    const { bytes } = this.from;
    if ((bytes[this.at]! & 0b1111) === ONE) return SAME[bytes[this.at + 1]!]!;
    unpackCell(this.from, this.at, scratch);
    let letters = '';
    for (let second = 0; second < CELL_SECONDS; second++) {
      letters += secondLetter(scratch.states[second]!);
    }
    return letters;
  }

  get values(): readonly number[] {
    if (this.isNormal) return unpackWhole(this.from, this.at);
    unpackCell(this.from, this.at, scratch);
    return readableValues(scratch);
  }
}

/** Values that rules are given; one when all are equal. */
export function readableValues({ states, values }: MinuteCell): readonly number[] {
  const read: number[] = [];
  let allEqual = true;
  for (let second = 0; second < CELL_SECONDS; second++) {
    if (!isReadable[states[second]!]) continue;
    const value = values[second]!;
    if (allEqual && read.length > 0 && value !== read[0]) allEqual = false;
    read.push(value);
  }
  return allEqual ? read.slice(0, 1) : read;
}

/** The cell as JSON has it. */
export const plainCell = ({ minuteMs, states, values, barred }: InputCell): InputCell =>
  barred === undefined ? { minuteMs, states, values } : { minuteMs, states, values, barred };
