import { fail, ok, type Result } from '../../model/result.ts';
import type { LineSettings } from '../bus-transport.ts';
import { isBitTable } from '../point-types.ts';
import { decodeReadPdu, encodeReadPdu, type PduReply, type ReadRequest } from './pdu.ts';

/** Unit, function, exception code, checksum. */
const EXCEPTION_BYTES = 5;
const EXCEPTION_BIT = 0x80;
/** Unit, function, address, quantity or value, checksum: what another master's request is. */
const REQUEST_BYTES = 8;
/** Writing one coil or register, or several: frames of this size that only another master causes. */
const WRITE_FUNCTIONS: ReadonlySet<number> = new Set([5, 6, 15, 16]);
/** MODBUS over Serial Line V1.02, 2.5.1: the largest frame. */
const FRAME_BYTES_MAX = 256;

const CRC_TABLE = Uint16Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit += 1) crc = crc & 1 ? (crc >>> 1) ^ 0xa001 : crc >>> 1;
  return crc;
});

/** MODBUS over Serial Line V1.02, 6.2.2; sent low byte first. */
export function crc16(bytes: Uint8Array): number {
  let crc = 0xffff;
  for (const byte of bytes) crc = (crc >>> 8) ^ CRC_TABLE[(crc ^ byte) & 0xff]!;
  return crc;
}

export function sealRtu(unitId: number, pdu: Uint8Array): Buffer {
  const frame = Buffer.allocUnsafe(pdu.length + 3);
  frame[0] = unitId;
  frame.set(pdu, 1);
  frame.writeUInt16LE(crc16(frame.subarray(0, -2)), pdu.length + 1);
  return frame;
}

export const encodeRtuRead = (request: ReadRequest): Buffer =>
  sealRtu(request.unitId, encodeReadPdu(request));

/** The checksum over a frame and its own checksum is 0. */
const isIntact = (frame: Uint8Array): boolean => crc16(frame) === 0;

/** Bytes of an honest reply with values. */
export const replyBytesOf = ({ table, words }: ReadRequest): number =>
  EXCEPTION_BYTES + (isBitTable(table) ? Math.ceil(words / 8) : 2 * words);

/**
 * The reply in the bytes that came since the request: null while it may still become one. Unit,
 * function, byte count, length and checksum all have to be those of the request's reply, and nothing
 * may follow it.
 */
export function matchRtuReply(
  request: ReadRequest,
  bytes: Uint8Array,
): Result<PduReply, 'mismatch' | 'wrong-crc'> | null {
  const [unitId, functionCode, third] = bytes;
  const asked = encodeReadPdu(request)[0]!;
  if (unitId !== undefined && unitId !== request.unitId) {
    return fail('mismatch', `reply of unit ${unitId} to a request for ${request.unitId}`);
  }
  if (functionCode === undefined) return null;
  const isException = functionCode === (asked | EXCEPTION_BIT);
  if (functionCode !== asked && !isException) {
    return fail('mismatch', `function ${functionCode} for a request with ${asked}`);
  }
  const length = isException ? EXCEPTION_BYTES : replyBytesOf(request);
  if (!isException && third !== undefined && third !== length - EXCEPTION_BYTES) {
    return fail('mismatch', `byte count ${third} for ${request.words} words`);
  }
  if (bytes.length < length) return null;
  if (!isIntact(bytes.subarray(0, length))) return fail('wrong-crc', 'wrong checksum');
  if (bytes.length > length) {
    return fail('mismatch', `${bytes.length - length} bytes after the reply`);
  }
  const reply = decodeReadPdu(request, bytes.subarray(1, length - 2));
  return reply.ok ? ok(reply.value) : fail('mismatch', reply.detail);
}

export interface SeenFrame {
  /** `request`: what a master asks, or a slave's answer to a write. */
  readonly kind: 'reply' | 'request';
  readonly unitId: number;
  readonly functionCode: number;
  /** The whole frame. */
  readonly bytes: Uint8Array;
}

/** The whole frames that stand anywhere in bytes nobody waited for. */
export function framesIn(bytes: Uint8Array): SeenFrame[] {
  const frames: SeenFrame[] = [];
  for (let at = 0; at + EXCEPTION_BYTES <= bytes.length; ) {
    const frame = frameAt(bytes.subarray(at));
    if (frame !== null) frames.push(frame);
    at += frame?.bytes.length ?? 1;
  }
  return frames;
}

function frameAt(bytes: Uint8Array): SeenFrame | null {
  const unitId = bytes[0]!;
  const functionCode = bytes[1]!;
  const own = functionCode & ~EXCEPTION_BIT;
  const isWrite = WRITE_FUNCTIONS.has(own);
  if (!isWrite && (own < 1 || own > 4)) return null;
  const isException = functionCode !== own;
  const replyBytes = isException || isWrite ? EXCEPTION_BYTES : EXCEPTION_BYTES + bytes[2]!;
  const lengths = isException
    ? [replyBytes]
    : isWrite
      ? [REQUEST_BYTES]
      : [replyBytes, REQUEST_BYTES];
  for (const length of lengths) {
    const fits = length <= bytes.length && length <= FRAME_BYTES_MAX;
    if (!fits || !isIntact(bytes.subarray(0, length))) continue;
    const isRequest = isWrite || (!isException && length === REQUEST_BYTES && bytes[2] !== 3);
    const kind = isRequest ? 'request' : 'reply';
    return { kind, unitId, functionCode, bytes: bytes.slice(0, length) };
  }
  return null;
}

/** Start bit, 8 data bits, parity and stop bits, in ms. */
export const charMs = ({ baudRate, parity, stopBits }: LineSettings): number =>
  ((9 + (parity === 'none' ? 0 : 1) + stopBits) * 1_000) / baudRate;

/** MODBUS over Serial Line V1.02, 2.5.1.1: fixed above 19,200 bit/s. */
const FIXED_GAP_ABOVE_BAUD = 19_200;
const FIXED_GAP_MS = 1.75;

/** The silence between two frames, t3.5. */
export const frameGapMs = (line: LineSettings): number =>
  line.baudRate > FIXED_GAP_ABOVE_BAUD ? FIXED_GAP_MS : 3.5 * charMs(line);
