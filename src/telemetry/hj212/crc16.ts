/** Of each byte: eight steps of the shift register with the polynomial A001. */
const TABLE = Uint16Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = (crc & 1) === 0 ? crc >> 1 : (crc >> 1) ^ 0xa001;
  return crc;
});

const SEED = 0xffff;

/**
 * CRC of HJ 212 (Annex A of 2017, A.1 of 2025): the upper byte of the register meets the next byte,
 * the lower one falls away. It is not CRC-16/MODBUS.
 */
export function crc16(bytes: Uint8Array): number {
  let crc = SEED;
  for (let i = 0; i < bytes.length; i++) crc = TABLE[(crc >> 8) ^ (bytes[i] as number)] as number;
  return crc;
}

/** CRC-16/MODBUS, which devices in the field send instead. */
export function crc16Modbus(bytes: Uint8Array): number {
  let crc = SEED;
  for (let i = 0; i < bytes.length; i++) {
    crc = (crc >> 8) ^ (TABLE[(crc ^ (bytes[i] as number)) & 0xff] as number);
  }
  return crc;
}

/** Four hex digits, the higher byte first. */
export const crcText = (crc: number): string => crc.toString(16).toUpperCase().padStart(4, '0');
