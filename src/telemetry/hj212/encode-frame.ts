import { crc16, crcText } from './crc16.ts';

/** A data segment in its envelope: `##`, its length in bytes, the segment, its CRC, CR LF. */
export function encodeFrame(segment: string): Buffer {
  const bytes = Buffer.from(segment, 'latin1');
  const length = String(bytes.length).padStart(4, '0');
  return Buffer.from(`##${length}${segment}${crcText(crc16(bytes))}\r\n`, 'latin1');
}
