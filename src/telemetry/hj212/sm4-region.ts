import { createCipheriv, createDecipheriv } from 'node:crypto';
import { fail, ok, type Result } from '../../model/result.ts';

const BLOCK_BYTES = 16;
export const SM4_KEY_BYTES = 16;
const OPENING = 'CP=&&';
/** Blocks printed as `{0xE4,0x3E,…}`, then a tail of fewer than 16 bytes in clear. */
const ENCRYPTED = /^\{(0x[0-9A-Fa-f]{2}(?:,0x[0-9A-Fa-f]{2})*)\}/;

interface OpenedRegion {
  readonly segment: string;
  /** The deciphered blocks; null: the region was sent in clear. */
  readonly plain: string | null;
}

/**
 * Deciphers the region between `CP=&&` and `&&` of HJ 212-2025 (6.4.2, A.2): SM4 in ECB without
 * padding; what is left after the last whole block stands in clear. Any other segment comes back as it
 * is.
 */
export function openRegion(
  sent: string,
  { plain, key }: { readonly plain?: string | undefined; readonly key?: Uint8Array | undefined },
): Result<OpenedRegion, 'hj212-cipher'> {
  const at = sent.indexOf(OPENING) + OPENING.length;
  if (at < OPENING.length || !sent.startsWith('{0x', at)) {
    return ok({ segment: sent, plain: null });
  }
  const [whole = '', blocks = ''] = ENCRYPTED.exec(sent.slice(at)) ?? [];
  const cipher = Buffer.from(blocks.replaceAll(/0x|,/g, ''), 'hex');
  if (cipher.length === 0 || cipher.length % BLOCK_BYTES !== 0) {
    return fail('hj212-cipher', `expected blocks of ${BLOCK_BYTES} bytes, found ${cipher.length}`);
  }
  if (plain === undefined && key === undefined) {
    return fail('hj212-cipher', 'expected a key for this MN (ingest.hj212.keys)');
  }
  const opened = plain ?? decipher(cipher, key as Uint8Array);
  const segment = sent.slice(0, at) + opened + sent.slice(at + whole.length);
  return ok({ segment, plain: opened });
}

function decipher(cipher: Uint8Array, key: Uint8Array): string {
  const sm4 = createDecipheriv('sm4-ecb', key, null).setAutoPadding(false);
  return Buffer.concat([sm4.update(cipher), sm4.final()]).toString('latin1');
}

/** A region as a device sends it under a key. */
export function sealRegion(region: string, key: Uint8Array): string {
  const bytes = Buffer.from(region, 'latin1');
  const whole = bytes.length - (bytes.length % BLOCK_BYTES);
  if (whole === 0) return region;
  const sm4 = createCipheriv('sm4-ecb', key, null).setAutoPadding(false);
  const cipher = Buffer.concat([sm4.update(bytes.subarray(0, whole)), sm4.final()]);
  const printed = Array.from(
    cipher,
    (byte) => `0x${byte.toString(16).toUpperCase().padStart(2, '0')}`,
  );
  return `{${printed.join(',')}}${bytes.toString('latin1', whole)}`;
}
