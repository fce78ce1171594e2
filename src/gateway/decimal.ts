/** `digits × 10^exponent`, exact. */
export interface Decimal {
  readonly digits: bigint;
  readonly exponent: number;
}

/** The decimal that ECMAScript prints for a finite number. */
export function decimalOf(value: number): Decimal {
  const [mantissa = '0', exponent = '0'] = String(value).split('e');
  const [whole = '0', fraction = ''] = mantissa.split('.');
  return { digits: BigInt(whole + fraction), exponent: Number(exponent) - fraction.length };
}

const shiftedTo = (value: Decimal, exponent: number): bigint =>
  value.digits * 10n ** BigInt(value.exponent - exponent);

/** raw × scale + offset without binary rounding in between: 912 × 0.1 is 91.2, and prints so. */
export function scaleDecimal(raw: Decimal, scale: Decimal, offset: Decimal): number {
  const product = { digits: raw.digits * scale.digits, exponent: raw.exponent + scale.exponent };
  const exponent = Math.min(product.exponent, offset.exponent);
  return Number(`${shiftedTo(product, exponent) + shiftedTo(offset, exponent)}e${exponent}`);
}

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
