import { createConnection } from 'node:net';
import { eventLoopTurns, type OpenLink } from './link.ts';

export interface TcpLinkSettings {
  readonly host: string;
  readonly port: number;
  readonly connectTimeoutMs: number;
}

/** A TCP connection. A time-out of connecting ends the attempt for good. */
export const tcpLink =
  ({ host, port, connectTimeoutMs }: TcpLinkSettings): OpenLink =>
  ({ onUp, onData, onDown }) => {
    const socket = createConnection({ host, port, noDelay: true });
    let hasEnded = false;
    const end = (reason: string | null): void => {
      clearTimeout(timer);
      socket.destroy();
      if (hasEnded) return;
      hasEnded = true;
      if (reason !== null) onDown(reason);
    };
    const timer = setTimeout(
      () => end(`no connection within ${connectTimeoutMs} ms`),
      connectTimeoutMs,
    );
    socket.on('connect', () => {
      clearTimeout(timer);
      if (!hasEnded) onUp(`${host}:${port}`);
    });
    socket.on('data', (chunk) => {
      if (!hasEnded) onData(chunk);
    });
    socket.on('error', (error) => end(error.message));
    socket.on('close', () => end('closed by the other side'));
    return {
      write: (bytes) => socket.write(bytes),
      catchUp: eventLoopTurns,
      close() {
        end(null);
        return Promise.resolve();
      },
    };
  };
