import { readSync } from 'node:fs';
import type { SerialPort } from 'serialport';

type OpenPort = NonNullable<SerialPort['port']>;
type PollablePort = Extract<OpenPort, { poller: unknown }>;

/**
 * Makes an open port read in the turn of the event loop that finds it readable instead of in the thread
 * pool, which a busy machine may hold up for any time: a line whose bytes are still in the pool looks
 * silent, and they come as the reply to the next question. Ports of Windows stay as they are.
 */
export function readInLoop(port: OpenPort | undefined): void {
  if (port === undefined || !('poller' in port)) return;
  port.read = async (buffer, offset, length) => {
    for (;;) {
      const bytesRead = readNow(port, buffer, offset, length);
      if (bytesRead > 0) return { bytesRead, buffer };
      await readable(port);
    }
  };
}

/** Bytes that had arrived, at most `length`; 0: none. Throws when the port is closed or gone. */
function readNow(port: PollablePort, buffer: Buffer, offset: number, length: number): number {
  if (port.fd === null) throw Object.assign(new Error('the port is closed'), { canceled: true });
  try {
    const bytesRead = readSync(port.fd, buffer, offset, length, null);
    if (bytesRead === 0) throw new Error('the port gives no more bytes');
    return bytesRead;
  } catch (error) {
    // The port is open without blocking: this says that nothing is there.
    if (['EAGAIN', 'EINTR'].includes((error as NodeJS.ErrnoException).code ?? '')) return 0;
    throw error;
  }
}

const readable = (port: PollablePort): Promise<void> =>
  new Promise((resolve, reject) => {
    port.poller.once('readable', (error: Error | null) => (error ? reject(error) : resolve()));
  });
