import { sealRtu } from '../src/gateway/modbus/rtu.ts';
import { createRandom } from './seeded-random.ts';

/** What may happen to a reply, with its probability; the rest is answered properly. */
export interface FaultRates {
  /** Comes after `lateMs`. */
  readonly late: number;
  /** Never comes. */
  readonly silent: number;
  /** One to three bits are wrong; of a Modbus TCP reply in its header, which has no checksum. */
  readonly flip: number;
  /** Only its beginning comes. */
  readonly truncate: number;
  /** Random bytes come instead. */
  readonly garbage: number;
  /** Its length field or byte count is nonsense. */
  readonly length: number;
  /** Exception 04 or 06. */
  readonly exception: number;
  /** Of another unit. */
  readonly wrongUnit: number;
  /** Comes twice in a row. */
  readonly twice: number;
  /** Comes in two pieces. */
  readonly split: number;
}

export type FaultKind = keyof FaultRates;

export interface FaultySlaveSettings {
  readonly framing: 'mbap' | 'rtu';
  readonly seed: number;
  readonly faults: Partial<FaultRates>;
  readonly lateMs: readonly [min: number, max: number];
  readonly registerOf: (unitId: number, address: number) => number;
  /** False: the unit is not there. */
  readonly isAlive?: (unitId: number) => boolean;
  /** Time that the line and the slave take for an honest reply. */
  readonly replyMs?: (requestBytes: number, replyBytes: number) => number;
  readonly write: (bytes: Buffer) => void;
}

export interface FaultySlave {
  /** `write`: where to answer these bytes, if not where the settings say. */
  receive(chunk: Uint8Array, write?: (bytes: Buffer) => void): void;
  /** How often each fault was made. */
  readonly counts: Readonly<Record<FaultKind, number>>;
  requests(): number;
  /** Nothing that is still late is sent. */
  close(): void;
}

interface Request {
  readonly unitId: number;
  readonly functionCode: number;
  readonly address: number;
  readonly words: number;
  /** Transaction and protocol of Modbus TCP. */
  readonly head: Buffer;
  readonly bytes: number;
}

/** A slave that makes every mistake there is, at random and the same again for the same seed. */
export function createFaultySlave(settings: FaultySlaveSettings): FaultySlave {
  const { framing, faults, lateMs, registerOf, isAlive = () => true } = settings;
  const random = createRandom(settings.seed);
  const replyMs = settings.replyMs ?? (() => 0);
  const timers = new Set<NodeJS.Timeout>();
  const counts: Record<FaultKind, number> = {
    late: 0,
    silent: 0,
    flip: 0,
    truncate: 0,
    garbage: 0,
    length: 0,
    exception: 0,
    wrongUnit: 0,
    twice: 0,
    split: 0,
  };
  let held: Buffer = Buffer.alloc(0);
  let requests = 0;

  function receive(chunk: Uint8Array, write = settings.write): void {
    held = Buffer.concat([held, chunk]);
    for (;;) {
      const request = framing === 'mbap' ? mbapRequest(held) : rtuRequest(held);
      if (request === null) return;
      held = held.subarray(request.bytes);
      if (request.functionCode === 0) continue;
      requests += 1;
      if (isAlive(request.unitId)) answer(request, write);
    }
  }

  function answer(request: Request, write: (bytes: Buffer) => void): void {
    const reply = honestReply(framing, request, registerOf);
    const kind = pick();
    if (kind !== null) counts[kind] += 1;
    const delayMs =
      replyMs(request.bytes, reply.length) +
      (kind === 'late' ? lateMs[0] + random() * (lateMs[1] - lateMs[0]) : 0);
    const pieces = kind === null ? [reply] : spoiled(kind, request, reply);
    pieces.forEach((piece, i) => {
      send(piece, delayMs + i, write);
    });
  }

  function pick(): FaultKind | null {
    let draw = random();
    for (const [kind, rate] of Object.entries(faults) as [FaultKind, number][]) {
      draw -= rate;
      if (draw < 0) return kind;
    }
    return null;
  }

  function send(bytes: Buffer, delayMs: number, write: (bytes: Buffer) => void): void {
    if (delayMs === 0) {
      write(bytes);
      return;
    }
    const timer = setTimeout(() => {
      timers.delete(timer);
      write(bytes);
    }, delayMs);
    timers.add(timer);
  }

  const below = (bound: number): number => Math.floor(random() * bound);

  function spoiled(kind: FaultKind, request: Request, reply: Buffer): Buffer[] {
    const headerBytes = framing === 'mbap' ? 9 : 3;
    switch (kind) {
      case 'silent':
        return [];
      case 'late':
        return [reply];
      case 'flip':
        return [flipped(reply, framing === 'mbap' ? headerBytes : reply.length)];
      case 'truncate':
        return [reply.subarray(0, 1 + below(reply.length - 1))];
      case 'garbage':
        return [Buffer.from(Array.from({ length: 1 + below(40) }, () => below(256)))];
      case 'length': {
        const copy = Buffer.from(reply);
        copy[framing === 'mbap' ? 4 + below(2) : 2] =
          (reply[headerBytes - 1]! + 1 + below(250)) & 255;
        return [copy];
      }
      case 'exception':
        return [
          framed(framing, request, Buffer.from([request.functionCode | 0x80, 4 + 2 * below(2)])),
        ];
      case 'wrongUnit':
        return [
          honestReply(framing, { ...request, unitId: (request.unitId + 1) & 0xff }, registerOf),
        ];
      case 'twice':
        return [Buffer.concat([reply, reply])];
      case 'split': {
        const at = 1 + below(reply.length - 1);
        return [reply.subarray(0, at), reply.subarray(at)];
      }
    }
  }

  function flipped(reply: Buffer, within: number): Buffer {
    const copy = Buffer.from(reply);
    const bits = 1 + below(3);
    for (let i = 0; i < bits; i += 1) {
      const at = below(within);
      copy[at] = copy[at]! ^ (1 << below(8));
    }
    return copy;
  }

  return {
    receive,
    counts,
    requests: () => requests,
    close() {
      for (const timer of timers) clearTimeout(timer);
      timers.clear();
    },
  };
}

function honestReply(
  framing: 'mbap' | 'rtu',
  request: Request,
  registerOf: FaultySlaveSettings['registerOf'],
): Buffer {
  const pdu = Buffer.alloc(2 + request.words * 2);
  pdu[0] = request.functionCode;
  pdu[1] = request.words * 2;
  for (let i = 0; i < request.words; i += 1) {
    pdu.writeUInt16BE(registerOf(request.unitId, request.address + i), 2 + 2 * i);
  }
  return framed(framing, request, pdu);
}

function framed(framing: 'mbap' | 'rtu', { head, unitId }: Request, pdu: Buffer): Buffer {
  if (framing === 'rtu') return sealRtu(unitId, pdu);
  const header = Buffer.alloc(7);
  head.copy(header);
  header.writeUInt16BE(pdu.length + 1, 4);
  header[6] = unitId;
  return Buffer.concat([header, pdu]);
}

/** The next request of a read; function 0: bytes to leave out. Null: not complete yet. */
function rtuRequest(held: Buffer): Request | null {
  if (held.length < 8) return null;
  const frame = held.subarray(0, 8);
  const isIntact = sealRtu(frame[0]!, frame.subarray(1, 6)).equals(frame);
  if (!isIntact) return { ...requestOf(frame, Buffer.alloc(0)), functionCode: 0, bytes: 1 };
  return requestOf(frame, Buffer.alloc(0));
}

function mbapRequest(held: Buffer): Request | null {
  if (held.length < 12) return null;
  return { ...requestOf(held.subarray(6, 12), Buffer.from(held.subarray(0, 4))), bytes: 12 };
}

function requestOf(adu: Buffer, head: Buffer): Request {
  return {
    unitId: adu[0]!,
    functionCode: adu[1]!,
    address: adu.readUInt16BE(2),
    words: adu.readUInt16BE(4),
    head,
    bytes: adu.length,
  };
}
