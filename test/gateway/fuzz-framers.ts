import { createRandom } from '../../simulators/seeded-random.ts';
import { createMbapReader } from '../../src/gateway/modbus/mbap.ts';
import { decodeReadPdu, type ReadRequest } from '../../src/gateway/modbus/pdu.ts';
import { framesIn, matchRtuReply, sealRtu } from '../../src/gateway/modbus/rtu.ts';

export interface FuzzReport {
  readonly strings: number;
  /** Taken as the reply. */
  readonly accepted: number;
  /** Taken although it is not the reply, or not taken although it is; must stay empty. */
  readonly wrong: string[];
}

/** MODBUS over Serial Line V1.02, 6.2.2, bit by bit. */
function slowCrc(bytes: Uint8Array): number {
  let crc = 0xffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit += 1) crc = crc & 1 ? (crc >> 1) ^ 0xa001 : crc >> 1;
  }
  return crc;
}

interface Dice {
  readonly below: (bound: number) => number;
  readonly bytes: (count: number) => Buffer;
}

const diceOf = (seed: number): Dice => {
  const random = createRandom(seed);
  const below = (bound: number): number => Math.floor(random() * bound);
  return { below, bytes: (count) => Buffer.from(Array.from({ length: count }, () => below(256))) };
};

const someRequest = ({ below }: Dice): ReadRequest => ({
  unitId: 1 + below(4),
  table: (['holding', 'input', 'coil', 'discrete'] as const)[below(4)]!,
  address: below(100),
  words: 1 + below(below(10) === 0 ? 125 : 6),
});

const isBits = ({ table }: ReadRequest): boolean => table === 'coil' || table === 'discrete';

const functionOf = ({ table }: ReadRequest): number =>
  ({ coil: 1, discrete: 2, holding: 3, input: 4 })[table];

const dataBytesOf = (request: ReadRequest): number =>
  isBits(request) ? Math.ceil(request.words / 8) : 2 * request.words;

function honestPdu(request: ReadRequest, dice: Dice): Buffer {
  if (dice.below(12) === 0) return Buffer.from([functionOf(request) | 0x80, 1 + dice.below(11)]);
  const data = dice.bytes(dataBytesOf(request));
  return Buffer.concat([Buffer.from([functionOf(request), data.length]), data]);
}

/** What the specification says a reply's PDU must be. */
function isReplyPdu(request: ReadRequest, pdu: Uint8Array): boolean {
  if (pdu[0] === (functionOf(request) | 0x80)) return pdu.length === 2;
  const count = dataBytesOf(request);
  return pdu[0] === functionOf(request) && pdu[1] === count && pdu.length === 2 + count;
}

/** Cut, lengthened, changed, doubled, or something else altogether. */
function mutated(reply: Buffer, dice: Dice): Buffer {
  const { below, bytes } = dice;
  const copy = Buffer.from(reply);
  switch (below(8)) {
    case 0:
      return copy;
    case 1:
      return copy.subarray(0, below(copy.length + 1));
    case 2:
      return Buffer.concat([copy, bytes(1 + below(8))]);
    case 3:
      return Buffer.concat([bytes(1 + below(8)), copy]);
    case 4:
      return bytes(below(40));
    case 5: {
      const at = below(copy.length);
      return Buffer.concat([copy.subarray(0, at), copy.subarray(at + 1)]);
    }
    default:
      for (let i = 0; i <= below(3); i += 1) {
        const at = below(below(2) === 0 ? Math.min(9, copy.length) : copy.length);
        copy[at] = copy[at]! ^ (1 << below(8));
      }
      return copy;
  }
}

export function fuzzRtu(strings: number, seed: number): FuzzReport {
  const dice = diceOf(seed);
  const wrong: string[] = [];
  let accepted = 0;
  for (let i = 0; i < strings; i += 1) {
    const request = someRequest(dice);
    const asked = dice.below(4) === 0 ? someRequest(dice) : request;
    const bytes = mutated(sealRtu(asked.unitId, honestPdu(asked, dice)), dice);
    const match = matchRtuReply(request, bytes);
    framesIn(bytes);
    const isReply =
      bytes.length >= 4 &&
      bytes[0] === request.unitId &&
      isReplyPdu(request, bytes.subarray(1, -2)) &&
      slowCrc(bytes.subarray(0, -2)) === bytes.readUInt16LE(bytes.length - 2);
    if (match?.ok === true) accepted += 1;
    if ((match?.ok === true) !== isReply)
      wrong.push(`seed ${seed} #${i}: ${bytes.toString('hex')}`);
  }
  return { strings, accepted, wrong };
}

export function fuzzMbap(strings: number, seed: number): FuzzReport {
  const dice = diceOf(seed);
  const wrong: string[] = [];
  let accepted = 0;
  for (let i = 0; i < strings; i += 1) {
    const request = someRequest(dice);
    const asked = dice.below(4) === 0 ? someRequest(dice) : request;
    const transaction = dice.below(0x1_0000);
    const pdu = honestPdu(asked, dice);
    const head = Buffer.alloc(7);
    head.writeUInt16BE(transaction, 0);
    head.writeUInt16BE(pdu.length + 1, 4);
    head[6] = asked.unitId;
    const bytes = mutated(Buffer.concat([head, pdu]), dice);
    const reader = createMbapReader();
    const cut = dice.below(bytes.length + 1);
    const frames = [bytes.subarray(0, cut), bytes.subarray(cut)].flatMap((part) => {
      const cutFrames = reader.push(part);
      return cutFrames.ok ? cutFrames.value : [];
    });
    const own = frames.find(
      (frame) => frame.transaction === transaction && frame.unitId === request.unitId,
    );
    const isTaken = own !== undefined && decodeReadPdu(request, own.pdu).ok;
    if (isTaken) accepted += 1;
    if (isTaken && !isInStream(bytes, transaction, request)) {
      wrong.push(`seed ${seed} #${i}: ${bytes.toString('hex')}`);
    }
  }
  return { strings, accepted, wrong };
}

/** Whether a whole and right reply stands in the stream at all. */
function isInStream(bytes: Buffer, transaction: number, request: ReadRequest): boolean {
  for (let at = 0; at + 9 <= bytes.length; at += 1) {
    const length = bytes.readUInt16BE(at + 4);
    const isHead =
      bytes.readUInt16BE(at) === transaction &&
      bytes.readUInt16BE(at + 2) === 0 &&
      bytes[at + 6] === request.unitId &&
      at + 6 + length <= bytes.length;
    if (isHead && isReplyPdu(request, bytes.subarray(at + 7, at + 6 + length))) return true;
  }
  return false;
}
