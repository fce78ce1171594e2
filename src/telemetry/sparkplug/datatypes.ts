import { shortestOfFloat32 } from '../shortest-float.ts';
import type { MetricValue } from './payload.ts';

/** Indexes of the data types that can hold a number (Sparkplug 3.0, 6.4.16). */
export const DATATYPES = {
  Int8: 1,
  Int16: 2,
  Int32: 3,
  Int64: 4,
  UInt8: 5,
  UInt16: 6,
  UInt32: 7,
  UInt64: 8,
  Float: 9,
  Double: 10,
  Boolean: 11,
} as const;
export type Datatype = keyof typeof DATATYPES;

const NAMES: ReadonlyMap<number, Datatype> = new Map(
  Object.entries(DATATYPES).map(([name, index]) => [index, name as Datatype]),
);

const SIGNED_BITS: ReadonlyMap<Datatype, number> = new Map([
  ['Int8', 8],
  ['Int16', 16],
  ['Int32', 32],
  ['Int64', 64],
]);
const UNSIGNED_BITS: ReadonlyMap<Datatype, number> = new Map([
  ['UInt8', 8],
  ['UInt16', 16],
  ['UInt32', 32],
  ['UInt64', 64],
]);

/** Whether values of the type are numbers. */
export const isNumeric = (datatype: number): boolean => NAMES.has(datatype);

/**
 * The number that a value of a type is; null: it is none, or the value is not of its type. Booleans are 1
 * and 0. A float32 is the shortest decimal that it stands for.
 */
export function numberOf(value: MetricValue, datatype: number): number | null {
  const name = NAMES.get(datatype);
  if (name === undefined) return null;
  switch (value.kind) {
    case 'int':
      return integerOf(name, BigInt(value.value), 32);
    case 'long':
      return integerOf(name, value.value, 64);
    case 'float':
    case 'double':
      return name === 'Float' || name === 'Double' ? realOf(value) : null;
    case 'boolean':
      return name === 'Boolean' ? Number(value.value) : null;
    case 'string':
    case 'other':
      return null;
  }
}

function realOf({ kind, value }: Extract<MetricValue, { kind: 'float' | 'double' }>) {
  if (!Number.isFinite(value)) return null;
  return kind === 'float' ? shortestOfFloat32(value) : value;
}

/**
 * Signed numbers travel as two's complement in an unsigned field that may be wider than their type: some
 * senders fill it up with the sign, some with zeros. Anything else in the upper bits is of another type.
 */
function integerOf(name: Datatype, field: bigint, fieldBits: number): number | null {
  const unsigned = UNSIGNED_BITS.get(name);
  if (unsigned !== undefined) return field < 1n << BigInt(unsigned) ? Number(field) : null;
  const signed = SIGNED_BITS.get(name);
  if (signed === undefined) return null;
  const value = BigInt.asIntN(signed, field);
  const isPadded = field === BigInt.asUintN(signed, value);
  const isExtended = field === BigInt.asUintN(fieldBits, value);
  return isPadded || isExtended ? Number(value) : null;
}
