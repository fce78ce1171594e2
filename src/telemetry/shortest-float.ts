/** Digits that every value of a binary format keeps, and that always tell two of them apart. */
interface FormatDigits {
  readonly kept: number;
  readonly max: number;
}
const FLOAT32_DIGITS: FormatDigits = { kept: 6, max: 9 };
const FLOAT16_DIGITS: FormatDigits = { kept: 3, max: 5 };

/**
 * The shortest decimal that is this float32: 91.2 and not 91.19999694824219, which a register that
 * holds 91.2 never meant.
 */
export const shortestOfFloat32 = (value: number): number =>
  shortestOf(value, FLOAT32_DIGITS, Math.fround);

/** The shortest decimal that is this float16. */
export const shortestOfFloat16 = (value: number): number =>
  shortestOf(value, FLOAT16_DIGITS, Math.f16round);

function shortestOf(
  value: number,
  { kept, max }: FormatDigits,
  round: (value: number) => number,
): number {
  for (let digits = kept; digits <= max; digits += 1) {
    const shorter = Number(value.toPrecision(digits));
    if (round(shorter) === value) return shorter;
  }
  return value;
}
