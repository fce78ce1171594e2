import type { Hj212Deviation } from '../../model/hj212.ts';
import { fail, ok, type Result } from '../../model/result.ts';
import { matchCrc } from './match-crc.ts';
import { openRegion } from './sm4-region.ts';

/** A frame taken out of its envelope. */
export interface OpenedFrame {
  /** Data segment in ISO 8859-1, so that each character is a byte; its CP deciphered. */
  readonly segment: string;
  /** The deciphered blocks, to be kept beside the bytes; null: it was sent in clear. */
  readonly plain: string | null;
  readonly deviations: readonly Hj212Deviation[];
}

/** Bound of the data segment (HJ 212-2017 6.3.2). */
const SEGMENT_BYTES = 1_024;
const FRAME = /^##(\d{4})(.*?)(\r?\n?)$/s;
const CRC_BEHIND_CLOSING = /&&([0-9A-Fa-f]{1,4})$/;
const CRC_AT_END = /([0-9A-Fa-f]{4})$/;

/**
 * Checks envelope, length and CRC of a frame (HJ 212-2017 6.3.2). The CRC is over the plain text, so an
 * encrypted frame is deciphered first: with `plain` (the region as it was read before), or `key`.
 */
export function openFrame(
  raw: Uint8Array,
  { plain, key }: { readonly plain?: string | undefined; readonly key?: Uint8Array | undefined },
): Result<OpenedFrame, 'hj212-crc' | 'hj212-malformed' | 'hj212-cipher'> {
  const text = Buffer.from(raw.buffer, raw.byteOffset, raw.byteLength).toString('latin1');
  const [, length, body, lineEnd] = FRAME.exec(text) ?? [];
  if (body === undefined) return fail('hj212-malformed', 'expected ## and four digits');
  const crc = (CRC_BEHIND_CLOSING.exec(body) ?? CRC_AT_END.exec(body))?.[1];
  if (crc === undefined) return fail('hj212-crc', 'expected four hex digits at the end');
  const sent = body.slice(0, -crc.length);
  const region = openRegion(sent, { plain, key });
  if (!region.ok) return region;
  const { segment, plain: opened } = region.value;
  const bytes = Buffer.from(segment, 'latin1');
  const written = matchCrc(bytes, crc);
  if (written === null) return fail('hj212-crc', `CRC ${crc} does not fit the data segment`);
  const deviations: Hj212Deviation[] = [...written];
  // The standard's own encrypted examples give the length of the plain text (2025, A.2).
  const lengths = [sent.length, segment.length];
  if (!lengths.includes(Number(length))) deviations.push('length');
  if (lineEnd !== '\r\n') deviations.push('no-crlf');
  if (bytes.length > SEGMENT_BYTES) deviations.push('too-long');
  return ok({ segment, plain: opened, deviations });
}
