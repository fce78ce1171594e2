import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import type { Aedes } from 'aedes';
import { freePort } from '../free-port.ts';

/** The network in front of a broker: it goes away, and comes back on the same port. */
export interface BrokerDoor {
  readonly port: number;
  isOpen(): boolean;
  open(): Promise<void>;
  /** Drops every connection; a no-op while it is shut. */
  shut(): Promise<void>;
}

/** Shut at first. */
export async function createBrokerDoor(broker: Pick<Aedes, 'handle'>): Promise<BrokerDoor> {
  const sockets = new Set<Socket>();
  let server: Server | undefined;
  const port = await freePort();
  return {
    port,
    isOpen: () => server?.listening ?? false,
    async open() {
      server = createServer((socket) => {
        sockets.add(socket);
        socket.on('close', () => sockets.delete(socket));
        broker.handle(socket);
      });
      server.listen(port, '127.0.0.1');
      await once(server, 'listening');
    },
    async shut() {
      if (!server?.listening) return;
      const closed = once(server, 'close');
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}
