import { ConfigError } from '../src/process/config-file.ts';
import { fileFaultText } from '../src/process/file-fault.ts';
import { StartError } from './busy-port.ts';

/**
 * What to print of an error that the user can mend; undefined: it is a bug and keeps its stack. That
 * is a settings file, a busy port, what carries a `hint`, and a file or folder that can't be used.
 */
export function userErrorText(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  if (error instanceof ConfigError || error instanceof StartError) return error.message;
  if ('hint' in error) {
    const { hint } = error;
    const isNew = typeof hint === 'string' && hint !== '' && !error.message.includes(hint);
    return isNew ? `${error.message}\n${hint}` : error.message;
  }
  if ((error.cause as NodeJS.ErrnoException | undefined)?.code === 'EADDRINUSE') {
    return error.message;
  }
  const { code, address, port } = error as NodeJS.ErrnoException &
    Readonly<Record<string, unknown>>;
  if (code === 'EADDRINUSE') {
    return `Port ${port} on ${address} is in use: stop what uses it, or choose another`;
  }
  return fileFaultText(error);
}
