import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { freePort } from '../free-port.ts';

/** A way to a server that can be broken and mended. */
export interface BreakablePath {
  /** The server's URL, by this way. */
  readonly url: string;
  /** Every connection ends, and none can be made. */
  breakOff(): Promise<void>;
  mend(): Promise<void>;
  close(): Promise<void>;
}

export async function startBreakablePath(serverUrl: string): Promise<BreakablePath> {
  const target = new URL(serverUrl);
  const port = await freePort();
  const sockets = new Set<Socket>();
  let server: Server | undefined;

  async function mend(): Promise<void> {
    server = createServer((socket) => {
      const onward = connect(Number(target.port), target.hostname);
      for (const [one, other] of [
        [socket, onward],
        [onward, socket],
      ] as const) {
        sockets.add(one);
        one.on('error', () => undefined);
        one.on('close', () => {
          sockets.delete(one);
          other.destroy();
        });
        one.pipe(other);
      }
    });
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
  }

  async function breakOff(): Promise<void> {
    if (!server?.listening) return;
    const closed = once(server, 'close');
    server.close();
    for (const socket of sockets) socket.destroy();
    await closed;
  }

  await mend();
  const url = Object.assign(new URL(serverUrl), { host: `127.0.0.1:${port}` }).href;
  return { url, breakOff, mend, close: breakOff };
}
