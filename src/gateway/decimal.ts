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
