import { z } from 'zod';

/** The four tables of Modbus: single bits, and 16-bit registers. */
export const RegisterTable = z.enum(['coil', 'discrete', 'input', 'holding']);
export type RegisterTable = z.infer<typeof RegisterTable>;

export const isBitTable = (table: RegisterTable): boolean =>
  table === 'coil' || table === 'discrete';

/** Registers of each type; `bit` in a bit table is one bit instead. */
export const TYPE_WORDS = {
  bit: 1,
  int8: 1,
  uint8: 1,
  int16: 1,
  uint16: 1,
  bcd16: 1,
  float16: 1,
  int32: 2,
  uint32: 2,
  bcd32: 2,
  float32: 2,
  int64: 4,
  uint64: 4,
  float64: 4,
} as const;
export type PointType = keyof typeof TYPE_WORDS;
export const PointType = z.enum(Object.keys(TYPE_WORDS) as [PointType, ...PointType[]]);

/**
 * Wire bytes of a value, most significant first. 32 bits: CDAB swaps words, BADC bytes, DCBA both; 64
 * bits likewise: CDAB turns the order of the words round (67452301), BADC swaps the bytes in each
 * (10325476), DCBA both (76543210). 16 bits: BA swaps. 8 bits: the high or the low byte of a register.
 */
const WIDE_ORDERS = ['ABCD', 'CDAB', 'BADC', 'DCBA'] as const;
const WORD_ORDERS = ['AB', 'BA'] as const;
const BYTE_ORDERS = ['high', 'low'] as const;
export const ByteOrder = z.enum([...WIDE_ORDERS, ...WORD_ORDERS, ...BYTE_ORDERS]);
export type ByteOrder = z.infer<typeof ByteOrder>;

/** The orders a type can have; the first is what stands for none written. */
export function ordersOf(type: PointType): readonly [ByteOrder, ...ByteOrder[]] {
  if (type === 'int8' || type === 'uint8') return ['low', 'high'];
  return TYPE_WORDS[type] === 1 ? WORD_ORDERS : WIDE_ORDERS;
}

export const isFloat = (type: PointType): boolean => type.startsWith('float');

/** Bits of an unsigned integer type, of which fields and status bits are cut; null: no such type. */
export function bitWidthOf(type: PointType): number | null {
  return type === 'uint8' ? 8 : type === 'uint16' ? 16 : type === 'uint32' ? 32 : null;
}

/** Lowest and highest raw value that an integer or BCD type holds; null for floats. */
export function rawLimitsOf(type: PointType): readonly [low: bigint, high: bigint] | null {
  if (isFloat(type)) return null;
  if (type === 'bit') return [0n, 1n];
  if (type === 'bcd16') return [0n, 9_999n];
  if (type === 'bcd32') return [0n, 99_999_999n];
  const bits = BigInt(type.replace(/^u?int/, ''));
  return type.startsWith('u')
    ? [0n, 2n ** bits - 1n]
    : [-(2n ** (bits - 1n)), 2n ** (bits - 1n) - 1n];
}

/** Addresses are those of the protocol, from 0; not 30001 or 40001. */
export const Address = z.int().min(0).max(65_535);

/** Neighbouring registers (bits of a bit table) that are read together or not at all. */
export interface RegisterSpan {
  readonly table: RegisterTable;
  readonly address: number;
  readonly words: number;
}

export const spansMeet = (a: RegisterSpan, b: RegisterSpan): boolean =>
  a.table === b.table && a.address < b.address + b.words && b.address < a.address + a.words;

/** A span for people: `holding 40` or `holding 40–43`. */
export const placeOf = ({ table, address, words }: RegisterSpan): string =>
  `${table} ${address}${words > 1 ? `–${address + words - 1}` : ''}`;
