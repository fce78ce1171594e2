import { once } from 'node:events';
import { type AddressInfo, createConnection, createServer, type Socket } from 'node:net';
import { createRandom } from './seeded-random.ts';

export interface LateProxy {
  readonly port: number;
  /** Replies held back so far. */
  late(): number;
  close(): Promise<void>;
}

/**
 * Stands before a Modbus server of somebody else and holds back some of its replies. What is late is
 * given to whoever is connected by then when `isLine`, as a transparent converter does.
 */
export async function startLateProxy(settings: {
  readonly upstreamPort: number;
  readonly seed: number;
  readonly late: number;
  readonly lateMs: readonly [min: number, max: number];
  readonly isLine: boolean;
}): Promise<LateProxy> {
  const { upstreamPort, late, lateMs, isLine } = settings;
  const random = createRandom(settings.seed);
  const clients = new Set<Socket>();
  const timers = new Set<NodeJS.Timeout>();
  let count = 0;

  const server = createServer((client) => {
    clients.add(client);
    client.setNoDelay(true);
    const upstream = createConnection({ host: '127.0.0.1', port: upstreamPort, noDelay: true });
    const give = (chunk: Buffer): void => {
      const takers = isLine ? clients : [client];
      for (const taker of takers) if (taker.writable) taker.write(chunk);
    };
    client.on('data', (chunk) => upstream.write(chunk));
    upstream.on('data', (chunk) => {
      if (random() >= late) {
        give(chunk);
        return;
      }
      count += 1;
      const timer = setTimeout(
        () => {
          timers.delete(timer);
          give(chunk);
        },
        lateMs[0] + random() * (lateMs[1] - lateMs[0]),
      );
      timers.add(timer);
    });
    for (const socket of [client, upstream]) socket.on('error', () => socket.destroy());
    client.on('close', () => {
      clients.delete(client);
      // What is still to come from it comes late: a converter forgets nothing.
      setTimeout(() => upstream.destroy(), isLine ? lateMs[1] : 0);
    });
    upstream.on('close', () => client.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    late: () => count,
    async close() {
      for (const timer of timers) clearTimeout(timer);
      const closed = once(server, 'close');
      server.close();
      for (const client of clients) client.destroy();
      await closed;
    },
  };
}
