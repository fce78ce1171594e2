import { accessSync, constants } from 'node:fs';
import { fileFaultText } from '../src/process/file-fault.ts';
import { makeFolder } from '../src/process/make-folder.ts';
import { StartError } from './busy-port.ts';

/**
 * Makes a folder if there is none and checks that it can be written to, before anything is started.
 * Throws `StartError` that names the folder and the option that moves it.
 */
export function assertFolderUsable(folder: string, option: string): void {
  try {
    makeFolder(folder);
    accessSync(folder, constants.W_OK | constants.X_OK);
  } catch (error) {
    const fault = fileFaultText(error as NodeJS.ErrnoException);
    if (fault === undefined) throw error;
    throw new StartError(`${fault}: choose another folder with ${option}`);
  }
}
