import { fail, ok, type Result } from '../../model/result.ts';
import { isBitTable, type RegisterTable } from '../point-types.ts';

/** One read of registers. A transport adds its own header or trailer around the PDU. */
export interface ReadRequest {
  readonly unitId: number;
  readonly table: RegisterTable;
  readonly address: number;
  readonly words: number;
}

/** MODBUS Application Protocol V1.1b3, 6.1 to 6.4. */
const FUNCTION_CODE = { coil: 0x01, discrete: 0x02, holding: 0x03, input: 0x04 } as const;
const EXCEPTION_BIT = 0x80;

/** Function code, starting address, quantity. */
export function encodeReadPdu({ table, address, words }: ReadRequest): Buffer {
  const pdu = Buffer.allocUnsafe(5);
  pdu[0] = FUNCTION_CODE[table];
  pdu.writeUInt16BE(address, 1);
  pdu.writeUInt16BE(words, 3);
  return pdu;
}

export type PduReply =
  | { readonly kind: 'words'; readonly words: readonly number[] }
  | { readonly kind: 'exception'; readonly code: number };

/**
 * Takes a reply only if function, byte count and length are exactly those of the request: a reply
 * carries no address, so these are all that tie it to its question besides the transaction.
 */
export function decodeReadPdu(
  request: ReadRequest,
  pdu: Uint8Array,
): Result<PduReply, 'wrong-function' | 'wrong-length'> {
  const expected = FUNCTION_CODE[request.table];
  const functionCode = pdu[0] ?? 0;
  if (functionCode === (expected | EXCEPTION_BIT)) {
    if (pdu.length !== 2) return fail('wrong-length', `exception of ${pdu.length} bytes`);
    return ok({ kind: 'exception', code: pdu[1]! });
  }
  if (functionCode !== expected) {
    return fail('wrong-function', `function ${functionCode} for a request with ${expected}`);
  }
  const isBits = isBitTable(request.table);
  const byteCount = isBits ? Math.ceil(request.words / 8) : request.words * 2;
  if (pdu[1] !== byteCount || pdu.length !== 2 + byteCount) {
    return fail('wrong-length', `${pdu.length} bytes, count ${pdu[1]}, for ${request.words} words`);
  }
  if (isBits) {
    const bits = Array.from(
      { length: request.words },
      (_, i) => (pdu[2 + (i >> 3)]! >> (i & 7)) & 1,
    );
    return ok({ kind: 'words', words: bits });
  }
  const words: number[] = [];
  for (let i = 2; i < pdu.length; i += 2) words.push((pdu[i]! << 8) | pdu[i + 1]!);
  return ok({ kind: 'words', words });
}
