import { spawn } from 'node:child_process';
import { chownSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type Account,
  accountFor,
  EmbeddedPostgresError,
  findBinaries,
  launchOf,
} from './postgres-process.ts';

/** Makes a cluster with the one user `wugan`, bytewise collation and the password given. */
export async function initCluster(
  pgData: string,
  password: string,
  signal: AbortSignal,
): Promise<void> {
  const { initdb } = await findBinaries();
  const account = accountFor();
  const folder = await mkdtemp(join(tmpdir(), 'wugan-initdb-'));
  const passwordFile = join(folder, 'password');
  try {
    await writeFile(passwordFile, password, { mode: 0o600 });
    if (account !== null) {
      for (const path of [folder, passwordFile, pgData]) chownSync(path, account.uid, account.gid);
    }
    const { command, prefix, identity } = launchOf(initdb, pgData, account);
    await run(
      command,
      [
        ...prefix,
        `--pgdata=${pgData}`,
        '--username=wugan',
        '--auth=scram-sha-256',
        `--pwfile=${passwordFile}`,
        '--encoding=UTF8',
        '--no-locale',
        '--locale-provider=builtin',
        '--builtin-locale=C.UTF-8',
      ],
      identity,
      signal,
    );
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof EmbeddedPostgresError) throw error;
    throw new EmbeddedPostgresError(
      `Cannot make a database in ${pgData}: ${(error as Error).message.trim()}`,
      'Remove the folder if it is incomplete, or set database.url to an own PostgreSQL',
    );
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const OUTPUT_CHARS_MAX = 4_000;

/**
 * Runs a command in a process group of its own; at abort the whole group ends with it, and this does not
 * return before it has. Throws what the command wrote.
 */
function run(
  command: string,
  flags: readonly string[],
  identity: Partial<Account>,
  signal: AbortSignal,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, flags, {
      ...identity,
      cwd: '/',
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (bytes: Buffer) => {
        output = (output + bytes.toString()).slice(-OUTPUT_CHARS_MAX);
      });
    }
    const abort = (): void => {
      if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, 'SIGKILL');
    };
    signal.addEventListener('abort', abort);
    if (signal.aborted) abort();
    child.once('error', reject);
    // Not `exit`: the pipes stay open until the last of the group has ended.
    child.once('close', (code) => {
      signal.removeEventListener('abort', abort);
      if (code === 0) resolve();
      else reject(new Error(output));
    });
  });
}
