import { type CellPage, readSlot, readWhole } from './cell-page.ts';
import { EXPONENT_MAX, SCALES } from './decimal-scale.ts';
import { CELL_SECONDS, emptyCell, type MinuteCell } from './minute-cell.ts';
import { holdsValue, NONE } from './second-state.ts';
import type { PackedBytes } from './unpack-cell.ts';

/**
 * A minute as bytes, for the days it stays in memory, for checkpoints and for digests: a function of its
 * content alone, and the way back gives the same bits. First byte: how states are written (low half)
 * and values (high half).
 *
 * States: `ONE` all seconds alike, `RUNS` pairs of length and state, `RAW` 60 bytes.
 * Values of the seconds that hold one, in their order: `ONE` all equal; `DECIMAL` exponent, base and
 * 1- or 2-byte offsets, when every value is a whole multiple of 10^−exponent, the least that fits, below
 * 2^31; `SINGLE` or `DOUBLE`. All big-endian.
 */
export const ONE = 1;
export const RUNS = 2;
export const RAW = 3;
export const DECIMAL_1 = 2;
export const DECIMAL_2 = 3;
export const SINGLE = 4;
export const DOUBLE = 5;

export const PACKED_BYTES_MAX = 1 + CELL_SECONDS + 5 + 8 * CELL_SECONDS;
/** What the last `pack…` wrote, from the start. */
export const packed = new Uint8Array(PACKED_BYTES_MAX);
const view = new DataView(packed.buffer);
export const packedBytes: PackedBytes = { bytes: packed, view };
const scratch = emptyCell(0);
const whole = new Int32Array(CELL_SECONDS);
const numbers = new Float64Array(CELL_SECONDS);

/** Writes a slot's minute to `packed`; gives its length. */
export function packSlot(page: CellPage, slot: number): number {
  const exponent = readWhole(page, slot, scratch.states, whole);
  if (exponent === undefined) {
    readSlot(page, slot, scratch);
    return packMinute(scratch);
  }
  const state = page.state[slot]!;
  let count = 0;
  if (holdsValue(state)) for (const one of scratch.states) if (one !== NONE) count++;
  const end = packStates(scratch.states);
  return finish(count === 0 ? 0 : packWhole(count, exponent, end), end);
}

/** Writes a minute to `packed`; gives its length. */
export function packMinute(cell: MinuteCell): number {
  let count = 0;
  for (let second = 0; second < CELL_SECONDS; second++) {
    if (holdsValue(cell.states[second]!)) numbers[count++] = cell.values[second]!;
  }
  const end = packStates(cell.states);
  return finish(packNumbers(count, end), end);
}

/** Writes states that are bytes of any meaning, and the values that go with them, to `packed`. */
export function packStatesAndValues(states: Uint8Array, values: readonly number[]): number {
  for (const [i, value] of values.entries()) numbers[i] = value;
  const end = packStates(states);
  return finish(packNumbers(values.length, end), end);
}

let stateMode = 0;
let valuesEnd = 0;

function finish(valueMode: number, statesEnd: number): number {
  packed[0] = stateMode | (valueMode << 4);
  return valueMode === 0 ? statesEnd : valuesEnd;
}

/** Writes 60 states; gives where they end. */
function packStates(states: Uint8Array): number {
  let end = 1;
  for (let at = 0; at < CELL_SECONDS; ) {
    const state = states[at]!;
    let next = at + 1;
    while (next < CELL_SECONDS && states[next] === state) next++;
    if (next - at === CELL_SECONDS) {
      stateMode = ONE;
      packed[1] = state;
      return 2;
    }
    if (end + 2 > 1 + CELL_SECONDS) {
      stateMode = RAW;
      for (let i = 0; i < CELL_SECONDS; i++) packed[1 + i] = states[i]!;
      return 1 + CELL_SECONDS;
    }
    packed[end++] = next - at;
    packed[end++] = state;
    at = next;
  }
  stateMode = RUNS;
  return end;
}

/** Writes the first `count` of `whole`, which are values times 10^exponent; gives their mode. */
function packWhole(count: number, heldExponent: number, at: number): number {
  let low = whole[0]!;
  let high = low;
  for (let i = 1; i < count; i++) {
    const n = whole[i]!;
    if (n < low) low = n;
    else if (n > high) high = n;
  }
  if (low === high) {
    view.setFloat64(at, low / SCALES[heldExponent]!);
    valuesEnd = at + 8;
    return ONE;
  }
  let exponent = heldExponent;
  while (exponent > 0 && areTens(count)) {
    for (let i = 0; i < count; i++) whole[i] = whole[i]! / 10;
    low /= 10;
    high /= 10;
    exponent--;
  }
  if (high - low >= 2 ** 16) {
    const scale = SCALES[exponent]!;
    for (let i = 0; i < count; i++) numbers[i] = whole[i]! / scale;
    return packFloating(count, at);
  }
  view.setUint8(at, exponent);
  view.setInt32(at + 1, low);
  const start = at + 5;
  if (high - low < 256) {
    for (let i = 0; i < count; i++) packed[start + i] = whole[i]! - low;
    valuesEnd = start + count;
    return DECIMAL_1;
  }
  for (let i = 0; i < count; i++) view.setUint16(start + 2 * i, whole[i]! - low);
  valuesEnd = start + 2 * count;
  return DECIMAL_2;
}

function areTens(count: number): boolean {
  for (let i = 0; i < count; i++) if (whole[i]! % 10 !== 0) return false;
  return true;
}

/** Writes the first `count` of `numbers`; gives their mode. */
function packNumbers(count: number, at: number): number {
  if (count === 0) return 0;
  const first = numbers[0]!;
  let i = 1;
  while (i < count && numbers[i] === first) i++;
  if (i === count) {
    view.setFloat64(at, first);
    valuesEnd = at + 8;
    return ONE;
  }
  for (let exponent = 0; exponent <= EXPONENT_MAX; exponent++) {
    if (areWhole(count, SCALES[exponent]!)) return packWhole(count, exponent, at);
  }
  return packFloating(count, at);
}

/** Whether the first `count` of `numbers` are whole multiples of 1/scale; puts these in `whole`. */
function areWhole(count: number, scale: number): boolean {
  for (let i = 0; i < count; i++) {
    const n = Math.round(numbers[i]! * scale);
    if (n / scale !== numbers[i] || Math.abs(n) >= 2 ** 31) return false;
    whole[i] = n;
  }
  return true;
}

function packFloating(count: number, at: number): number {
  let isSingle = true;
  for (let i = 0; i < count; i++) isSingle &&= Math.fround(numbers[i]!) === numbers[i];
  if (isSingle) {
    for (let i = 0; i < count; i++) view.setFloat32(at + 4 * i, numbers[i]!);
    valuesEnd = at + 4 * count;
    return SINGLE;
  }
  for (let i = 0; i < count; i++) view.setFloat64(at + 8 * i, numbers[i]!);
  valuesEnd = at + 8 * count;
  return DOUBLE;
}
