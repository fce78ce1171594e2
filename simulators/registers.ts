import type { RegisterSpec } from './scenario.ts';

type Encoding = Pick<RegisterSpec, 'type' | 'order' | 'scale' | 'missing'>;

const INTEGER_RANGE = { int16: [-32_768, 32_767], uint16: [0, 65_535] } as const;

export const wordCountOf = (type: Encoding['type']): 1 | 2 => (type === 'float32' ? 2 : 1);

/** Rounds to the instrument's step; a value outside the type stops at its end, as displays do. */
function rawInteger(encoding: Encoding, type: 'int16' | 'uint16', value: number): number {
  const [low, high] = INTEGER_RANGE[type];
  const raw = Math.min(high, Math.max(low, Math.round(value / encoding.scale)));
  // A measurement must never look like the sentinel.
  if (raw !== encoding.missing) return raw;
  return raw === high ? raw - 1 : raw + 1;
}

/**
 * Writes a value at `offset` as the instrument's registers carry it, two bytes a register, high
 * byte first. Null becomes the sentinel of an integer register, and NaN of a float.
 */
export function writeRegisters(
  target: Buffer,
  offset: number,
  encoding: Encoding,
  value: number | null,
): void {
  const { type } = encoding;
  if (type !== 'float32') {
    const raw = value === null ? (encoding.missing ?? 0) : rawInteger(encoding, type, value);
    target.writeUInt16BE(raw & 0xffff, offset);
    return;
  }
  target.writeFloatBE(value === null ? Number.NaN : value / encoding.scale, offset);
  if (encoding.order === 'CDAB') {
    const first = target.readUInt16BE(offset);
    target.writeUInt16BE(target.readUInt16BE(offset + 2), offset);
    target.writeUInt16BE(first, offset + 2);
  }
}
