import { execFile } from 'node:child_process';
import { constants } from 'node:fs';
import { access, mkdir, rm, rmdir, stat, utimes } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, isAbsolute, join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** mkdir is atomic: who makes the folder installs, the others wait for it to go. */
const LOCK = join(tmpdir(), 'wugan-test-apt.lock');
/** The holder touches its lock more often than this; an older one is of a killed process. */
const LOCK_STALE_MS = 20_000;
const LOCK_TOUCH_MS = 5_000;
const LOCK_WAIT_MS_MAX = 300_000;
const APT_MS_MAX = 240_000;
const SEARCH_FOLDERS = ['/usr/bin', '/bin', '/usr/sbin', '/sbin', '/usr/games'];

/**
 * Path of a program of the machine, installed from Debian when it is missing. `binary` is a command
 * name or, for packages without a command (fonts), the absolute path of a file. Never skips: throws
 * what to do when the package can't be had here.
 */
export async function requireDebianPackage(name: string, binary: string): Promise<string> {
  const present = await locate(binary);
  if (present !== undefined) return present;
  if (process.getuid?.() !== 0) {
    throw new Error(`This test needs ${binary}. Install it first: sudo apt-get install ${name}`);
  }
  await holdingLock(async () => {
    if ((await locate(binary)) === undefined) await install(name);
  });
  const installed = await locate(binary);
  if (installed === undefined) {
    throw new Error(`Debian package ${name} is installed but has no ${binary}`);
  }
  return installed;
}

async function locate(binary: string): Promise<string | undefined> {
  const candidates = isAbsolute(binary)
    ? [binary]
    : SEARCH_FOLDERS.map((folder) => join(folder, binary));
  for (const candidate of candidates) {
    const mode = isAbsolute(binary) ? constants.R_OK : constants.X_OK;
    const usable = await access(candidate, mode).then(
      () => true,
      () => false,
    );
    if (usable) return candidate;
  }
  return undefined;
}

async function install(name: string): Promise<void> {
  const apt = (...args: string[]): Promise<unknown> =>
    run('apt-get', ['-qq', '-o', 'DPkg::Lock::Timeout=120', ...args], {
      timeout: APT_MS_MAX,
      maxBuffer: 64 * 1024 * 1024,
      env: {
        DEBIAN_FRONTEND: 'noninteractive',
        LC_ALL: 'C',
        PATH: ['/usr/sbin', '/usr/bin', '/sbin', '/bin'].join(delimiter),
      },
    });
  try {
    await apt('update');
    await apt('install', '-y', '--no-install-recommends', name);
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    throw new Error(
      `Cannot install Debian package ${name}: ${detail}\nInstall it by hand: apt-get install ${name}`,
    );
  }
}

async function holdingLock(work: () => Promise<void>): Promise<void> {
  const deadlineMs = Date.now() + LOCK_WAIT_MS_MAX;
  while (!(await takeLock())) {
    if (Date.now() > deadlineMs) throw new Error(`Gave up waiting for ${LOCK}; remove it if stale`);
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
  const touch = setInterval(() => {
    const now = new Date();
    utimes(LOCK, now, now).catch(() => clearInterval(touch));
  }, LOCK_TOUCH_MS);
  try {
    await work();
  } finally {
    clearInterval(touch);
    await rm(LOCK, { recursive: true, force: true });
  }
}

async function takeLock(): Promise<boolean> {
  try {
    await mkdir(LOCK);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  const lock = await stat(LOCK).catch(() => undefined);
  if (lock !== undefined && Date.now() - lock.mtimeMs > LOCK_STALE_MS) {
    await rmdir(LOCK).catch(() => undefined);
  }
  return false;
}
