import type { Hj212Deviation } from '../../model/hj212.ts';
import { crc16, crc16Modbus } from './crc16.ts';

const CLOSING_BYTES = 2;

/**
 * How the CRC of a frame came about: the deviations that explain it, none for the standard's own.
 * Null: no known way gives it.
 *
 * @param segment the data segment, `QN=…` to `&&`
 * @param text one to four hex digits
 */
export function matchCrc(segment: Uint8Array, text: string): readonly Hj212Deviation[] | null {
  const crc = Number.parseInt(text, 16);
  const written: Hj212Deviation[] = [];
  if (/[a-f]/.test(text)) written.push('crc-lower-case');
  if (text.length < 4) written.push('crc-unpadded');
  if (crc === crc16(segment)) return written;
  const modbus = crc16Modbus(segment);
  if (crc === modbus || crc === swapBytes(modbus)) return [...written, 'crc-modbus'];
  const isClosed = segment.at(-1) === 0x26 && segment.at(-2) === 0x26;
  if (isClosed && crc === crc16(segment.subarray(0, -CLOSING_BYTES))) {
    return [...written, 'crc-before-closing'];
  }
  return null;
}

const swapBytes = (crc: number): number => ((crc & 0xff) << 8) | (crc >> 8);
