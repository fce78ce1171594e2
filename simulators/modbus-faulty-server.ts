import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import {
  createFaultySlave,
  type FaultySlave,
  type FaultySlaveSettings,
} from './modbus-faulty-slave.ts';

export interface FaultyServer {
  readonly port: number;
  readonly slave: FaultySlave;
  close(): Promise<void>;
}

/**
 * A faulty slave behind a TCP port. RTU: as a transparent converter, which gives what is late on the
 * line to whoever is connected by then.
 */
export async function startFaultyServer(
  settings: Omit<FaultySlaveSettings, 'write'>,
): Promise<FaultyServer> {
  const sockets = new Set<Socket>();
  const slave = createFaultySlave({
    ...settings,
    write(bytes) {
      for (const socket of sockets) if (socket.writable) socket.write(bytes);
    },
  });
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.setNoDelay(true);
    const toItself = (bytes: Buffer): boolean => socket.writable && socket.write(bytes);
    socket.on('data', (chunk) =>
      settings.framing === 'mbap' ? slave.receive(chunk, toItself) : slave.receive(chunk),
    );
    socket.on('error', () => socket.destroy());
    socket.on('close', () => sockets.delete(socket));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    slave,
    async close() {
      slave.close();
      const closed = once(server, 'close');
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}
