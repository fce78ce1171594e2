import { once } from 'node:events';
import { chmodSync, rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { text } from 'node:stream/consumers';
import { fail, ok, type Result } from '../model/result.ts';

/** A path of a Unix socket fits into `sockaddr_un`: 107 bytes and a NUL. */
const PATH_BYTES_MAX = 107;
const ASK_MS_MAX = 5_000;

/** `raw`: the last exchanges of each bus as bytes instead. */
export type StatusAsk = 'status' | 'raw';

/** A question is a line; longer than this it is none. */
const ASK_CHARS_MAX = 100;

/**
 * Tells whoever connects to a Unix socket (mode 0600) and sends a line the status as one JSON document.
 * The process holds the spool, so a socket file that lies there is of one that is gone. Rejects when the
 * path can't be used.
 */
export async function serveStatus(
  path: string,
  answer: (ask: StatusAsk) => unknown,
): Promise<{ close(): Promise<void> }> {
  if (Buffer.byteLength(path) > PATH_BYTES_MAX) {
    throw new Error(`Cannot listen on ${path}: longer than ${PATH_BYTES_MAX} bytes`);
  }
  rmSync(path, { force: true });
  const server = createServer((socket) => {
    let asked = '';
    socket.on('error', () => socket.destroy());
    socket.setTimeout(ASK_MS_MAX, () => socket.destroy());
    socket.on('data', (chunk) => {
      asked += chunk;
      if (asked.length > ASK_CHARS_MAX) socket.destroy();
      if (!asked.includes('\n')) return;
      socket.removeAllListeners('data');
      socket.end(JSON.stringify(answer(asked.trim() === 'raw' ? 'raw' : 'status')));
    });
  });
  server.listen(path);
  await once(server, 'listening');
  chmodSync(path, 0o600);
  return {
    async close() {
      const closed = once(server, 'close');
      server.close();
      await closed;
      rmSync(path, { force: true });
    },
  };
}

/** Asks a running gateway. The JSON is of the same version of the program, or nearly. */
export async function askStatus(
  path: string,
  ask: StatusAsk = 'status',
): Promise<Result<unknown, 'not-running' | 'unreadable'>> {
  const socket = connect(path);
  socket.setTimeout(ASK_MS_MAX, () => socket.destroy(new Error('no answer')));
  socket.write(`${ask}\n`);
  try {
    return ok(JSON.parse(await text(socket)));
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const isGone = code === 'ENOENT' || code === 'ECONNREFUSED';
    return fail(isGone ? 'not-running' : 'unreadable', message);
  }
}
