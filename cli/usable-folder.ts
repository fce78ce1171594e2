import { accessSync, constants, mkdirSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { StartError } from './busy-port.ts';
import { fileFaultText } from './file-fault.ts';

/**
 * Makes a folder if there is none and checks that it can be written to, before anything is started.
 * Throws `StartError` that names the folder and the option that moves it.
 */
export function assertFolderUsable(folder: string, option: string): void {
  try {
    makeFolder(resolve(folder));
    accessSync(folder, constants.W_OK | constants.X_OK);
  } catch (error) {
    const fault = fileFaultText(error as NodeJS.ErrnoException);
    if (fault === undefined) throw error;
    throw new StartError(`${fault}: choose another folder with ${option}`);
  }
}

/** Level by level: mkdir's own `recursive` never returns below /proc. */
function makeFolder(folder: string): void {
  const found = statSync(folder, { throwIfNoEntry: false });
  if (found?.isDirectory() === true) return;
  if (found === undefined) makeFolder(dirname(folder));
  mkdirSync(folder);
}
