import { type ByteOrder, type PointType, TYPE_WORDS } from './point-types.ts';

const BYTES_MAX = 8;
const bytes = new Uint8Array(BYTES_MAX);
const view = new DataView(bytes.buffer);

/**
 * The raw number in a value's registers, unscaled; NaN and infinities as they stand there, NaN also for
 * BCD with a digit above 9. 64-bit integers are bigint. `words` are as many as the type has.
 */
export function rawOf(
  type: PointType,
  order: ByteOrder,
  words: readonly number[],
): number | bigint {
  const count = TYPE_WORDS[type];
  const wordsTurned = order === 'CDAB' || order === 'DCBA';
  const bytesSwapped = order === 'BADC' || order === 'DCBA' || order === 'BA';
  for (let i = 0; i < count; i += 1) {
    const word = words[wordsTurned ? count - 1 - i : i] ?? 0;
    view.setUint16(2 * i, word, bytesSwapped);
  }
  switch (type) {
    case 'bit':
      return bytes[1]! & 1;
    case 'int8':
      return view.getInt8(order === 'high' ? 0 : 1);
    case 'uint8':
      return bytes[order === 'high' ? 0 : 1]!;
    case 'int16':
      return view.getInt16(0);
    case 'uint16':
      return view.getUint16(0);
    case 'int32':
      return view.getInt32(0);
    case 'uint32':
      return view.getUint32(0);
    case 'int64':
      return view.getBigInt64(0);
    case 'uint64':
      return view.getBigUint64(0);
    case 'float16':
      return view.getFloat16(0);
    case 'float32':
      return view.getFloat32(0);
    case 'float64':
      return view.getFloat64(0);
    case 'bcd16':
      return bcdOf(2);
    case 'bcd32':
      return bcdOf(4);
  }
}

function bcdOf(byteCount: number): number {
  let value = 0;
  for (let i = 0; i < byteCount; i += 1) {
    const high = bytes[i]! >>> 4;
    const low = bytes[i]! & 0x0f;
    if (high > 9 || low > 9) return Number.NaN;
    value = value * 100 + high * 10 + low;
  }
  return value;
}

export type TextBytes = 'hi-lo' | 'lo-hi' | 'hi' | 'lo';

/** ASCII text of registers, which hold two characters or one; trailing NUL and white space go. */
export function textOf(words: readonly number[], order: TextBytes): string {
  const codes = words.flatMap((word) => {
    const high = word >>> 8;
    const low = word & 0xff;
    if (order === 'hi' || order === 'lo') return [order === 'hi' ? high : low];
    return order === 'hi-lo' ? [high, low] : [low, high];
  });
  const text = Buffer.from(codes).toString('latin1');
  const end = text.indexOf('\0');
  return (end < 0 ? text : text.slice(0, end)).trim();
}
