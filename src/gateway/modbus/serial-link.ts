import { SerialPort } from 'serialport';
import type { LineSettings } from '../bus-transport.ts';
import { eventLoopTurns, type OpenLink } from './link.ts';
import { readInLoop } from './serial-read.ts';

export interface SerialLinkSettings extends LineSettings {
  readonly path: string;
}

/**
 * A serial port, opened with an exclusive lock: one line has one master. An adapter that is pulled out
 * shows at the next read or write; the port is closed then, so that its path is free again.
 */
export const serialLink =
  ({ path, baudRate, parity, stopBits }: SerialLinkSettings): OpenLink =>
  ({ onUp, onData, onDown }) => {
    const port = new SerialPort({ path, baudRate, parity, stopBits, dataBits: 8, autoOpen: false });
    let hasEnded = false;
    port.prependOnceListener('open', () => readInLoop(port.port));
    const opened = new Promise<Error | null>((resolve) => port.open(resolve));
    let released: Promise<void> | undefined;

    const release = (): Promise<void> => {
      released ??= opened.then(
        () =>
          new Promise((resolve) => {
            if (port.closing) port.once('close', () => resolve());
            else if (port.isOpen) port.close(() => resolve());
            else resolve();
          }),
      );
      return released;
    };
    const end = (reason: string): void => {
      if (hasEnded) return;
      hasEnded = true;
      release().then(() => onDown(reason));
    };

    port.on('data', (chunk: Buffer) => {
      if (!hasEnded) onData(chunk);
    });
    port.on('error', (error) => end(error.message));
    // The read side ends without an error when the adapter is gone.
    port.on('end', () => end('the port gives no more bytes'));
    port.on('close', (error: Error | null) => end(error?.message ?? 'the port was closed'));
    opened.then((error) => {
      if (error instanceof Error) end(error.message);
      else if (!hasEnded) onUp(path);
    });
    return {
      write: (bytes) => {
        port.write(Buffer.from(bytes));
      },
      catchUp: eventLoopTurns,
      close() {
        hasEnded = true;
        return release();
      },
    };
  };
