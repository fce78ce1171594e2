import { SCALES } from './decimal-scale.ts';
import { CELL_SECONDS } from './minute-cell.ts';
import { DECIMAL_1, DECIMAL_2, DOUBLE, ONE } from './pack-cell.ts';
import { energiesOfWhole, estimatePart, isHeatC, lowerPart, type Quantity } from './quantity.ts';
import type { InputProfile } from './rule-inputs.ts';
import type { PackedBytes } from './unpack-cell.ts';

/**
 * A minute whose 60 seconds each hold a value: read from its packed bytes, and added up in the order of its
 * seconds just as second by second. Most minutes are such.
 */
export interface WholeMinute {
  /** Its greatest and first value. */
  max: number;
  first: number;
  /** Sums in the order of the seconds; heat: `lower` over the `hot` ones of 25 °C and more. */
  lower: number;
  estimate: number;
  hot: number;
}

/** The minute that `sumWhole` read last; fractions from the start, so that it is never made anew. */
export const whole: WholeMinute = { max: 0.5, first: 0.5, lower: 0.5, estimate: 0.5, hot: 0 };

const OFFSET_MAX = 255;

/** Adds up a minute of 60 normal seconds, in `whole`; false: a value lies outside the range. */
export function sumWhole(
  from: PackedBytes,
  at: number,
  quantity: Quantity,
  profile: InputProfile,
): boolean {
  const isShort = from.bytes[at]! >> 4 === DECIMAL_1;
  return (
    (isShort && sumOffsets(from, at, quantity, profile)) || sumAny(from, at, quantity, profile)
  );
}

/**
 * Most minutes: values to some decimals not far from each other, all in the range and from LOD (heat: 25 °C)
 * on. There the estimate of a second is its lower part. False: it isn't one.
 */
function sumOffsets(
  { bytes, view }: PackedBytes,
  at: number,
  quantity: Quantity,
  profile: InputProfile,
): boolean {
  const exponent = bytes[at + 2]!;
  const scale = SCALES[exponent]!;
  // The base is the least of them.
  const base = view.getInt32(at + 3);
  const start = at + 7;
  const min = base / scale;
  if (min < profile.range[0] || !isPlain(min, quantity, profile)) return false;
  const { unitFactor } = profile;
  let most = 0;
  let sum = 0;
  if (quantity === 'energy') {
    const energies = energiesOfWhole(exponent);
    if (energies === undefined || base < 0 || base + OFFSET_MAX >= energies.length) return false;
    for (let i = start; i < start + CELL_SECONDS; i++) {
      const offset = bytes[i]!;
      if (offset > most) most = offset;
      sum += energies[base + offset]!;
    }
  } else {
    for (let i = start; i < start + CELL_SECONDS; i++) {
      const offset = bytes[i]!;
      if (offset > most) most = offset;
      sum += ((base + offset) / scale) * unitFactor;
    }
  }
  whole.max = (base + most) / scale;
  if (whole.max > profile.range[1]) return false;
  whole.first = (base + bytes[start]!) / scale;
  whole.lower = sum;
  whole.estimate = sum;
  whole.hot = quantity === 'heat' ? CELL_SECONDS : 0;
  return true;
}

const isPlain = (min: number, quantity: Quantity, { lod, unitFactor }: InputProfile): boolean =>
  quantity === 'heat' ? isHeatC(min * unitFactor) : min >= lod && min >= 0;

const numbers = new Float64Array(CELL_SECONDS);

function readNumbers({ bytes, view }: PackedBytes, at: number): void {
  const mode = bytes[at]! >> 4;
  const start = at + 2;
  if (mode === ONE) numbers.fill(view.getFloat64(start));
  else if (mode === DECIMAL_1 || mode === DECIMAL_2) {
    const scale = SCALES[bytes[start]!]!;
    const base = view.getInt32(start + 1);
    const first = start + 5;
    for (let i = 0; i < CELL_SECONDS; i++) {
      const offset = mode === DECIMAL_1 ? bytes[first + i]! : view.getUint16(first + 2 * i);
      numbers[i] = (base + offset) / scale;
    }
  } else if (mode === DOUBLE) {
    for (let i = 0; i < CELL_SECONDS; i++) numbers[i] = view.getFloat64(start + 8 * i);
  } else for (let i = 0; i < CELL_SECONDS; i++) numbers[i] = view.getFloat32(start + 4 * i);
}

function sumAny(from: PackedBytes, at: number, quantity: Quantity, profile: InputProfile): boolean {
  readNumbers(from, at);
  const [bottom, top] = profile.range;
  let max = bottom;
  let lower = 0;
  let estimate = 0;
  let hot = 0;
  for (let i = 0; i < CELL_SECONDS; i++) {
    const value = numbers[i]!;
    if (value < bottom || value > top) return false;
    if (value > max) max = value;
    const part = lowerPart(value, quantity, profile);
    estimate += value >= profile.lod ? part : estimatePart(value, quantity, profile);
    if (quantity === 'heat') {
      if (!isHeatC(part)) continue;
      hot++;
    }
    lower += part;
  }
  whole.max = max;
  whole.first = numbers[0]!;
  whole.lower = lower;
  whole.estimate = estimate;
  whole.hot = hot;
  return true;
}

/** Last second of the minute that was added up with a value of at least `least`; −1: none. */
export function lastAtLeast(from: PackedBytes, at: number, least: number): number {
  if (whole.max < least) return -1;
  readNumbers(from, at);
  let second = CELL_SECONDS - 1;
  while (second >= 0 && numbers[second]! < least) second--;
  return second;
}
