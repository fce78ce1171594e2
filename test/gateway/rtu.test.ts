import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ReadRequest } from '../../src/gateway/modbus/pdu.ts';
import {
  charMs,
  crc16,
  encodeRtuRead,
  frameGapMs,
  framesIn,
  matchRtuReply,
  replyBytesOf,
  sealRtu,
} from '../../src/gateway/modbus/rtu.ts';

const request: ReadRequest = { unitId: 17, table: 'holding', address: 0x6b, words: 3 };

describe('RTU frames', () => {
  it('are those of the examples in the specification and the manuals', () => {
    // MODBUS Application Protocol V1.1b3, 6.3; checksum as every manual prints it.
    expect(encodeRtuRead(request).toString('hex')).toBe('1103006b00037687');
    const reply = Buffer.from('1103060 22b0000 0064'.replaceAll(' ', ''), 'hex');
    expect(crc16(Buffer.from('010300000001', 'hex'))).toBe(0x0a84);
    expect(matchRtuReply(request, sealRtu(17, reply.subarray(1)))).toEqual({
      ok: true,
      value: { kind: 'words', words: [0x022b, 0, 0x64] },
    });
  });

  it('carry bits of coils and discrete inputs, the lowest first', () => {
    const coils: ReadRequest = { unitId: 17, table: 'coil', address: 19, words: 19 };
    expect(replyBytesOf(coils)).toBe(8);
    const reply = matchRtuReply(coils, sealRtu(17, Buffer.from([1, 3, 0xcd, 0x6b, 0x05])));
    expect(reply).toMatchObject({
      value: { words: [1, 0, 1, 1, 0, 0, 1, 1, 1, 1, 0, 1, 0, 1, 1, 0, 1, 0, 1] },
    });
  });

  it('may come in any pieces: a reply is nothing yet until it is whole', () => {
    const frame = sealRtu(17, Buffer.from([3, 6, 1, 2, 3, 4, 5, 6]));
    for (let bytes = 0; bytes < frame.length; bytes += 1) {
      expect(matchRtuReply(request, frame.subarray(0, bytes))).toBeNull();
    }
    expect(matchRtuReply(request, frame)?.ok).toBe(true);
  });

  it('with one to three wrong bits anywhere are never taken', () => {
    const bit = fc.nat(11 * 8 - 1);
    fc.assert(
      fc.property(fc.uniqueArray(bit, { minLength: 1, maxLength: 3 }), (bits) => {
        const frame = sealRtu(17, Buffer.from([3, 6, 1, 2, 3, 4, 5, 6]));
        for (const at of bits) frame[at >> 3]! ^= 1 << (at & 7);
        expect(matchRtuReply(request, frame)?.ok).not.toBe(true);
      }),
      { numRuns: 2_000 },
    );
  });

  it('are found in bytes that nobody waited for, replies apart from the requests of another master', () => {
    const reply = sealRtu(5, Buffer.from([4, 2, 1, 2]));
    const asked = encodeRtuRead({ ...request, unitId: 9 });
    const exception = sealRtu(6, Buffer.from([0x83, 2]));
    const written = sealRtu(7, Buffer.from([16, 0, 1, 0, 2]));
    const noise = Buffer.from([0x55, 3, 3]);
    const bytes = Buffer.concat([noise, reply, asked, noise, exception, written, noise]);
    expect(framesIn(bytes).map((frame) => ({ ...frame, bytes: frame.bytes.length }))).toEqual([
      { kind: 'reply', unitId: 5, functionCode: 4, bytes: 7 },
      { kind: 'request', unitId: 9, functionCode: 3, bytes: 8 },
      { kind: 'reply', unitId: 6, functionCode: 0x83, bytes: 5 },
      { kind: 'request', unitId: 7, functionCode: 16, bytes: 8 },
    ]);
  });

  it('take the time that the line gives them', () => {
    const line = { baudRate: 9_600, parity: 'even', stopBits: 1 } as const;
    expect(charMs(line)).toBeCloseTo(1.146, 3);
    expect(frameGapMs(line)).toBeCloseTo(4.01, 2);
    expect(frameGapMs({ ...line, baudRate: 115_200 })).toBe(1.75);
  });
});
