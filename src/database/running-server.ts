import { readFileSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { isServerOf, readPostmasterFile } from './postgres-process.ts';

/** Whether a folder holds an embedded database. */
export const holdsDatabase = (dataDir: string): boolean =>
  statSync(join(resolve(dataDir), 'postgres'), { throwIfNoEntry: false }) !== undefined;

/**
 * URL of the embedded server that another process runs in the folder; null: none runs there. Whoever
 * uses it only connects: to start and to stop it is the other process's.
 */
export async function runningServerUrl(dataDir: string): Promise<string | null> {
  const folder = resolve(dataDir);
  const pgData = join(folder, 'postgres');
  const postmaster = await readPostmasterFile(pgData);
  if (postmaster === null || !isServerOf(postmaster.pid, pgData)) return null;
  const password = readFileSync(join(folder, 'postgres-password'), 'utf8').trim();
  return `postgres://wugan:${password}@127.0.0.1:${postmaster.port}/wugan`;
}
