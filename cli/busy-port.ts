import { createServer } from 'node:net';

/** A start that can't go on, in words for the one who typed the command. */
export class StartError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'StartError';
  }
}

/**
 * Checks that ports on 127.0.0.1 are free before anything is started. Throws `StartError` that names
 * the port and the option that moves it.
 */
export async function assertPortsFree(
  ports: readonly { readonly port: number; readonly option: string }[],
): Promise<void> {
  for (const { port, option } of ports) {
    const code = await busyCode(port);
    if (code === 'EADDRINUSE') {
      throw new StartError(
        `Port ${port} on 127.0.0.1 is in use: stop what uses it, or choose another with ${option}`,
      );
    }
    if (code !== null) {
      throw new StartError(
        `Port ${port} on 127.0.0.1 can't be used (${code}): choose another with ${option}`,
      );
    }
  }
}

const busyCode = (port: number): Promise<string | null> =>
  new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(null)));
  });
