import { mkdirSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { ConfigError } from './config-file.ts';

/**
 * Makes a folder and those above it, if they are not there. Level by level: mkdir's own `recursive`
 * never returns below /proc. Throws what mkdir throws.
 */
export function makeFolder(folder: string): void {
  makeAbsolute(resolve(folder));
}

function makeAbsolute(folder: string): void {
  const found = statSync(folder, { throwIfNoEntry: false });
  if (found?.isDirectory() === true) return;
  if (found === undefined) makeAbsolute(dirname(folder));
  try {
    mkdirSync(folder);
  } catch (error) {
    // Another process may have made it meanwhile.
    if (statSync(folder, { throwIfNoEntry: false })?.isDirectory() !== true) throw error;
  }
}

/** Makes the folder that a file is to lie in. Throws `ConfigError` that names both. */
export function makeFolderOf(file: string): void {
  const folder = dirname(resolve(file));
  try {
    makeFolder(folder);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new ConfigError(file, [`its folder ${folder} cannot be made: ${code}`]);
  }
}
