import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { ServerTCP } from 'modbus-serial';
import { freePort } from '../free-port.ts';

/** What a register of a unit holds; null: the unit does not answer. */
export type Registers = (unitId: number, address: number) => number | null;

export interface TestServer {
  readonly port: number;
  close(): Promise<void>;
}

/** modbus-serial's own server: one that nobody here wrote. */
export async function startForeignServer(registers: Registers): Promise<TestServer> {
  const port = await freePort();
  const read = (address: number, unitId: number): number => {
    const value = registers(unitId, address);
    if (value === null) throw new Error('illegal address');
    return value;
  };
  const server = new ServerTCP(
    { getInputRegister: read, getHoldingRegister: read },
    { host: '127.0.0.1', port, unitID: 255 },
  );
  await once(server, 'initialized');
  return {
    port,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

/** One request as a hostile server sees it. */
export interface RawRequest {
  readonly transaction: number;
  readonly unitId: number;
  readonly functionCode: number;
  readonly address: number;
  readonly words: number;
  /** The reply that an honest server would send. */
  honest(registerOf: (address: number) => number): Buffer;
}

/** A raw TCP server that does with each request what it is told. */
export async function startRawServer(
  answer: (request: RawRequest, socket: Socket) => void,
): Promise<TestServer & { readonly sockets: ReadonlySet<Socket> }> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.setNoDelay(true);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => socket.destroy());
    let held = Buffer.alloc(0);
    socket.on('data', (chunk) => {
      held = Buffer.concat([held, chunk]);
      for (; held.length >= 12; held = held.subarray(12)) answer(requestOf(held), socket);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    sockets,
    async close() {
      const closed = once(server, 'close');
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

function requestOf(bytes: Buffer): RawRequest {
  const transaction = bytes.readUInt16BE(0);
  const unitId = bytes[6]!;
  const functionCode = bytes[7]!;
  const address = bytes.readUInt16BE(8);
  const words = bytes.readUInt16BE(10);
  return {
    transaction,
    unitId,
    functionCode,
    address,
    words,
    honest(registerOf) {
      const reply = Buffer.alloc(9 + words * 2);
      reply.writeUInt16BE(transaction, 0);
      reply.writeUInt16BE(3 + words * 2, 4);
      reply[6] = unitId;
      reply[7] = functionCode;
      reply[8] = words * 2;
      for (let i = 0; i < words; i += 1) reply.writeUInt16BE(registerOf(address + i), 9 + i * 2);
      return reply;
    },
  };
}

/** A server that answers from registers and keeps silent for units that have none. */
export const startPlainServer = (registers: Registers): Promise<TestServer> =>
  startRawServer((request, socket) => {
    if (registers(request.unitId, request.address) === null) return;
    socket.write(request.honest((address) => registers(request.unitId, address) ?? 0));
  });
