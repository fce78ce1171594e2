import type { Flag } from '../model/flags.ts';
import type { MetricName } from '../model/ids.ts';
import { shortestOfFloat16, shortestOfFloat32 } from '../telemetry/shortest-float.ts';
import { type Decimal, decimalOf, scaleDecimal } from './decimal.ts';
import type { Identify } from './device-protocol.ts';
import {
  type FlagSource,
  flagsOf,
  type ReasonFlag,
  spanOfSource,
  worstFlag,
} from './flag-source.ts';
import { type PointConfig, spanOf } from './point-config.ts';
import { isBitTable, isFloat, ordersOf, type PointType, type RegisterSpan } from './point-types.ts';
import { rawOf, textOf } from './raw-value.ts';

/** A finite number with a flag, or null with a flag other than N. */
export interface Reading {
  readonly value: number | null;
  readonly flag: Flag;
}

export const SILENT: Reading = { value: null, flag: 'B' };
export const FAULTY: Reading = { value: null, flag: 'D' };

/** The words (bits of a bit table) of a span, or what stands for a point whose span was not read. */
export type SpanLookup = (span: RegisterSpan) => readonly number[] | Reading;

export interface Decoder {
  readonly metric: MetricName;
  /** The reading from everything that `needsOf(point)` names. Never throws. */
  read(lookup: SpanLookup): Reading;
}

const FAST_EXPONENT_MAX = 15;

/**
 * Compiles a point. NaN, infinities, impossible BCD, integers beyond 2^53 give null and D, a sentinel
 * null and its flag; a value out of range is kept and flagged; what qualifies the point flags whatever
 * is left, and says D when it was not read: the value can't count then.
 */
export function createDecoder(point: PointConfig): Decoder {
  const span = spanOf(point);
  const readValue = createValueReader(point);
  const sources = point.flagFrom.map((source) => ({ source, span: spanOfSource(source) }));
  return {
    metric: point.metric,
    read(lookup) {
      const words = lookup(span);
      if (!isWords(words)) return words;
      const { value, flag } = readValue(words);
      if (flag === 'D' || sources.length === 0) return { value, flag };
      const flags = new Set<ReasonFlag>(flag === 'N' || flag === 'U' ? [] : [flag]);
      for (const { source, span: at } of sources) {
        const status = lookup(at);
        if (!isWords(status)) return { value, flag: 'D' };
        for (const said of flagsOf(source, statusOf(source, status))) flags.add(said);
      }
      return { value, flag: worstFlag(flags) ?? 'N' };
    },
  };
}

/** Whether the words of `spanOfIdentify(identify)` hold what the right device has there. */
export function checkIdentity(identify: Identify, words: readonly number[]): boolean {
  const { type, order, equals } = identify;
  if (type === 'string') return textOf(words, identify.textBytes) === equals;
  return Number(rawOf(type, order ?? ordersOf(type)[0], words)) === equals;
}

const isWords = (found: readonly number[] | Reading): found is readonly number[] =>
  Array.isArray(found);

function statusOf({ table, type, order }: FlagSource, words: readonly number[]): number {
  if (isBitTable(table)) return words[0]! & 1;
  return Number(rawOf(type, order ?? ordersOf(type)[0], words));
}

/** The value and its own flag: sentinel, fault, or place in the range. */
function createValueReader(point: PointConfig): (words: readonly number[]) => Reading {
  const { type, bit, aboveRange } = point;
  const order = point.order ?? ordersOf(type)[0];
  const scale = createScaling(point.scale, point.offset);
  const sentinels = new Map(
    Object.entries(point.sentinels).map(([raw, flag]) => [sentinelOf(type, raw), flag]),
  );
  const field = point.bits;
  const [low, high] = point.range;
  return (words) => {
    let raw = rawOf(type, order, bit === undefined ? words : [words[0]! >>> bit]);
    if (field !== undefined) raw = fieldOf(Number(raw), field);
    const sentinel = sentinels.get(raw);
    if (sentinel !== undefined) return { value: null, flag: sentinel };
    const number = Number(raw);
    if (!Number.isFinite(number)) return FAULTY;
    if (!isFloat(type) && !Number.isSafeInteger(number)) return FAULTY;
    const value = scale(shortest(type, number));
    if (!Number.isFinite(value)) return FAULTY;
    if (value < low) return { value, flag: 'D' };
    return { value, flag: value > high ? aboveRange : 'N' };
  };
}

function fieldOf(raw: number, [lowest, highest]: readonly [number, number]): number {
  return Math.floor(raw / 2 ** lowest) % 2 ** (highest - lowest + 1);
}

function sentinelOf(type: PointType, raw: string): number | bigint {
  if (type === 'int64' || type === 'uint64') return BigInt(raw);
  const number = Number(raw);
  if (type === 'float32') return Math.fround(number);
  return type === 'float16' ? Math.f16round(number) : number;
}

function shortest(type: PointType, raw: number): number {
  if (type === 'float32') return shortestOfFloat32(raw);
  return type === 'float16' ? shortestOfFloat16(raw) : raw;
}

function createScaling(scale: number, offset: number): (raw: number) => number {
  if (scale === 1 && offset === 0) return (raw) => (raw === 0 ? 0 : raw);
  const by = decimalOf(scale);
  const plus = decimalOf(offset);
  const exact = (raw: number): number => scaleDecimal(decimalOf(raw), by, plus);
  return fastScaling(by, plus, exact) ?? exact;
}

/**
 * (raw × a + b) / 10^n with integers below 2^53 is one division of two exact numbers, and so as
 * exact as the decimal way, at a fraction of its price.
 */
function fastScaling(
  by: Decimal,
  plus: Decimal,
  exact: (raw: number) => number,
): ((raw: number) => number) | null {
  const exponent = Math.max(0, -by.exponent, -plus.exponent);
  const widest = Math.max(exponent + by.exponent, exponent + plus.exponent);
  if (exponent > FAST_EXPONENT_MAX || widest > FAST_EXPONENT_MAX) return null;
  const factor = Number(by.digits) * 10 ** (exponent + by.exponent);
  const addend = Number(plus.digits) * 10 ** (exponent + plus.exponent);
  const divisor = 10 ** exponent;
  if (!Number.isSafeInteger(factor) || !Number.isSafeInteger(addend)) return null;
  return (raw) => {
    const scaled = raw * factor + addend;
    const fits = Number.isInteger(raw) && Number.isSafeInteger(raw * factor);
    return fits && Number.isSafeInteger(scaled) ? scaled / divisor + 0 : exact(raw);
  };
}
