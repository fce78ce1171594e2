import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';

/** MODBUS Application Protocol V1.1b3, section 7. */
export const EXCEPTION = {
  illegalFunction: 0x01,
  illegalDataAddress: 0x02,
  illegalDataValue: 0x03,
  deviceFailure: 0x04,
} as const;
export type ExceptionCode = (typeof EXCEPTION)[keyof typeof EXCEPTION];

export interface RegisterRequest {
  readonly unit: number;
  readonly table: 'input' | 'holding';
  readonly address: number;
  readonly count: number;
}

/** Registers as bytes, an exception, or null: the unit keeps silent. */
export type RegisterReply = Buffer | ExceptionCode | null;

export interface ModbusServer {
  readonly port: number;
  close(): Promise<void>;
}

/** Transaction, protocol, length; the unit id is the first byte after it. */
const MBAP_BYTES = 6;
/** Unit id and a PDU of at most 253 bytes (section 4.1). */
const ADU_BYTES_MAX = 254;
const REGISTERS_MAX = 125;

/**
 * A Modbus TCP server that reads FC 03 and FC 04. modbus-serial's ServerTCP is not used: it can't
 * listen on a free port, and waits a timer for each request, which caps a bus below the 480
 * requests per second that the demo makes of it at 120-fold speed.
 */
export async function startModbusServer(
  address: { readonly host: string; readonly port: number },
  answer: (request: RegisterRequest) => RegisterReply,
): Promise<ModbusServer> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.setNoDelay(true);
    let held: Buffer = Buffer.alloc(0);
    socket.on('data', (chunk) => {
      held = held.length === 0 ? chunk : Buffer.concat([held, chunk]);
      while (held.length >= MBAP_BYTES) {
        const length = held.readUInt16BE(4);
        // A wrong protocol id or length leaves no way to find the next frame.
        if (held.readUInt16BE(2) !== 0 || length < 2 || length > ADU_BYTES_MAX) {
          socket.destroy();
          return;
        }
        if (held.length < MBAP_BYTES + length) return;
        const reply = replyTo(held.subarray(0, MBAP_BYTES + length), answer);
        if (reply !== null) socket.write(reply);
        held = held.subarray(MBAP_BYTES + length);
      }
    });
    // A master that goes away is no fault of a slave: 'close' follows and forgets the socket.
    socket.on('error', () => socket.destroy());
    socket.on('close', () => sockets.delete(socket));
  });
  server.listen(address.port, address.host);
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    async close() {
      const closed = once(server, 'close');
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

function replyTo(
  frame: Buffer,
  answer: (request: RegisterRequest) => RegisterReply,
): Buffer | null {
  const functionCode = frame[7]!;
  const result = resultOf(frame, functionCode, answer);
  if (result === null) return null;
  const bodyBytes = typeof result === 'number' ? 1 : 1 + result.length;
  const reply = Buffer.allocUnsafe(8 + bodyBytes);
  frame.copy(reply, 0, 0, 4);
  reply.writeUInt16BE(2 + bodyBytes, 4);
  reply[6] = frame[6]!;
  if (typeof result === 'number') {
    reply[7] = functionCode | 0x80;
    reply[8] = result;
  } else {
    reply[7] = functionCode;
    reply[8] = result.length;
    result.copy(reply, 9);
  }
  return reply;
}

function resultOf(
  frame: Buffer,
  functionCode: number,
  answer: (request: RegisterRequest) => RegisterReply,
): RegisterReply {
  if (functionCode !== 3 && functionCode !== 4) return EXCEPTION.illegalFunction;
  if (frame.length !== 12) return EXCEPTION.illegalDataValue;
  const address = frame.readUInt16BE(8);
  const count = frame.readUInt16BE(10);
  if (count < 1 || count > REGISTERS_MAX) return EXCEPTION.illegalDataValue;
  if (address + count > 65_536) return EXCEPTION.illegalDataAddress;
  const table = functionCode === 3 ? 'holding' : 'input';
  return answer({ unit: frame[6]!, table, address, count });
}
