import { SCALES } from './decimal-scale.ts';
import { CELL_SECONDS, type MinuteCell } from './minute-cell.ts';
import { DECIMAL_1, DECIMAL_2, DOUBLE, ONE, RAW, SINGLE } from './pack-cell.ts';
import { holdsValue } from './second-state.ts';

/** Bytes in which packed minutes stand one after the other. */
export interface PackedBytes {
  readonly bytes: Uint8Array;
  readonly view: DataView;
}

/** Copies bytes, four at a time: a minute is too short for a call of `set`. */
export function copyBytes(
  from: PackedBytes,
  at: number,
  into: PackedBytes,
  start: number,
  length: number,
): void {
  let i = 0;
  for (; i + 4 <= length; i += 4) into.view.setInt32(start + i, from.view.getInt32(at + i));
  for (; i < length; i++) into.bytes[start + i] = from.bytes[at + i]!;
}

/** Reads the minute that stands at `at`. */
export function unpackCell(from: PackedBytes, at: number, into: MinuteCell): void {
  const mode = from.bytes[at]!;
  const values = unpackStates(into.states, from.bytes, mode & 0b1111, at + 1);
  unpackValues(into, from, mode >> 4, values);
}

/** Doubles from the start, so that a copy takes doubles without being made anew. */
const SIXTY = Array.from({ length: CELL_SECONDS }, () => 0.5);

/** Values of a minute whose 60 states are alike and hold one; one value when all are equal. */
export function unpackWhole({ bytes, view: from }: PackedBytes, at: number): readonly number[] {
  const mode = bytes[at]! >> 4;
  const start = at + 2;
  if (mode === ONE) return [from.getFloat64(start)];
  const values = SIXTY.slice();
  if (mode === SINGLE) {
    for (let i = 0; i < CELL_SECONDS; i++) values[i] = from.getFloat32(start + 4 * i);
    return values;
  }
  if (mode === DOUBLE) {
    for (let i = 0; i < CELL_SECONDS; i++) values[i] = from.getFloat64(start + 8 * i);
    return values;
  }
  const scale = SCALES[bytes[start]!]!;
  const base = from.getInt32(start + 1);
  const first = start + 5;
  if (mode === DECIMAL_1) {
    for (let i = 0; i < CELL_SECONDS; i++) values[i] = (base + bytes[first + i]!) / scale;
  } else {
    for (let i = 0; i < CELL_SECONDS; i++) {
      values[i] = (base + from.getUint16(first + 2 * i)) / scale;
    }
  }
  return values;
}

function unpackStates(states: Uint8Array, bytes: Uint8Array, mode: number, at: number): number {
  if (mode === ONE) {
    states.fill(bytes[at]!);
    return at + 1;
  }
  if (mode === RAW) {
    for (let i = 0; i < CELL_SECONDS; i++) states[i] = bytes[at + i]!;
    return at + CELL_SECONDS;
  }
  let next = at;
  for (let second = 0; second < CELL_SECONDS; next += 2) {
    const end = second + bytes[next]!;
    const state = bytes[next + 1]!;
    while (second < end) states[second++] = state;
  }
  return next;
}

function unpackValues(
  { states, values }: MinuteCell,
  { bytes, view: from }: PackedBytes,
  mode: number,
  at: number,
): void {
  const isDecimal = mode === DECIMAL_1 || mode === DECIMAL_2;
  const scale = isDecimal ? SCALES[bytes[at]!]! : 1;
  const base = isDecimal ? from.getInt32(at + 1) : 0;
  const one = mode === ONE ? from.getFloat64(at) : 0;
  let next = isDecimal ? at + 5 : at;
  for (let second = 0; second < CELL_SECONDS; second++) {
    if (!holdsValue(states[second]!)) {
      values[second] = 0;
    } else if (mode === DECIMAL_1) {
      values[second] = (base + bytes[next++]!) / scale;
    } else if (mode === ONE) {
      values[second] = one;
    } else if (mode === DECIMAL_2) {
      values[second] = (base + from.getUint16(next)) / scale;
      next += 2;
    } else if (mode === SINGLE) {
      values[second] = from.getFloat32(next);
      next += 4;
    } else {
      values[second] = from.getFloat64(next);
      next += 8;
    }
  }
}
