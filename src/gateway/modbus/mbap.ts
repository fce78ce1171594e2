import { fail, ok, type Result } from '../../model/result.ts';
import { encodeReadPdu, type ReadRequest } from './pdu.ts';

/** Transaction, protocol and length field; the length counts unit id and PDU. */
const HEADER_BYTES = 6;
/** Unit id and function code, up to unit id and a PDU of 253 bytes (MODBUS on TCP/IP V1.0b, 3.1). */
const LENGTH_MIN = 2;
const LENGTH_MAX = 254;

export interface MbapFrame {
  readonly transaction: number;
  readonly unitId: number;
  readonly pdu: Uint8Array;
  /** The whole frame. */
  readonly bytes: Uint8Array;
}

export function encodeMbapRead(transaction: number, request: ReadRequest): Buffer {
  const pdu = encodeReadPdu(request);
  const header = Buffer.allocUnsafe(HEADER_BYTES + 1);
  header.writeUInt16BE(transaction, 0);
  header.writeUInt16BE(0, 2);
  header.writeUInt16BE(pdu.length + 1, 4);
  header[6] = request.unitId;
  return Buffer.concat([header, pdu]);
}

export interface MbapReader {
  /** The frames that this chunk completes. A failure is final: the stream can't be trusted again. */
  push(chunk: Uint8Array): Result<MbapFrame[], 'wrong-protocol' | 'wrong-length'>;
  /** True when a frame has begun and not ended. */
  isInsideFrame(): boolean;
}

/** Cuts a stream into frames. Holds at most one frame that is not complete, 260 bytes. */
export function createMbapReader(): MbapReader {
  let held: Buffer = Buffer.alloc(0);
  return {
    push(chunk) {
      held = held.length === 0 ? Buffer.from(chunk) : Buffer.concat([held, chunk]);
      const frames: MbapFrame[] = [];
      while (held.length >= HEADER_BYTES) {
        const protocol = held.readUInt16BE(2);
        const length = held.readUInt16BE(4);
        if (protocol !== 0) return fail('wrong-protocol', `protocol id ${protocol}`);
        if (length < LENGTH_MIN || length > LENGTH_MAX) {
          return fail('wrong-length', `length field ${length}`);
        }
        const end = HEADER_BYTES + length;
        if (held.length < end) break;
        frames.push({
          transaction: held.readUInt16BE(0),
          unitId: held[HEADER_BYTES]!,
          pdu: held.subarray(HEADER_BYTES + 1, end),
          bytes: held.subarray(0, end),
        });
        held = held.subarray(end);
      }
      return ok(frames);
    },
    isInsideFrame: () => held.length > 0,
  };
}
