import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { ConfigError } from '../../process/config-file.ts';

/** 192 bits: what can't be guessed needs no slow digest, and thousands may connect at once. */
const PASSWORD_BYTES = 24;
const LINE = /^([A-Za-z0-9][A-Za-z0-9._-]{0,63}):([0-9a-f]{64})$/;

const digestOf = (password: string): string => createHash('sha256').update(password).digest('hex');

/** Passwords of clients; the file is read again whenever it has changed. */
export interface Passwords {
  /** Whether the password is this client's. A file that can't be used lets nobody in. */
  isRight(clientId: string, password: string): boolean;
}

/** Reads the file. Throws `ConfigError` with every fault. */
export function openPasswords(file: string, onFault: (error: Error) => void): Passwords {
  let changedMs = Number.NaN;
  let digests = new Map<string, string>();

  function refresh(): void {
    const { mtimeMs } = statSync(file);
    if (mtimeMs === changedMs) return;
    digests = readDigests(file);
    changedMs = mtimeMs;
  }

  refreshOrThrow();
  function refreshOrThrow(): void {
    try {
      refresh();
    } catch (error) {
      if (error instanceof ConfigError) throw error;
      throw new ConfigError(file, [`cannot be read: ${(error as NodeJS.ErrnoException).code}`]);
    }
  }

  return {
    isRight(clientId, password) {
      try {
        refreshOrThrow();
      } catch (error) {
        onFault(error as Error);
        return false;
      }
      const expected = digests.get(clientId);
      const given = Buffer.from(digestOf(password), 'hex');
      return expected !== undefined && timingSafeEqual(Buffer.from(expected, 'hex'), given);
    },
  };
}

const FAULTS_MAX = 10;

function readDigests(file: string): Map<string, string> {
  const digests = new Map<string, string>();
  const faults: string[] = [];
  for (const [i, line] of readFileSync(file, 'utf8').split('\n').entries()) {
    if (line.trim() === '' || line.startsWith('#')) continue;
    const match = LINE.exec(line.trim());
    if (match === null) faults.push(`line ${i + 1}: expected client-id:sha256-of-its-password`);
    else digests.set(match[1] as string, match[2] as string);
  }
  // Of a file of another kind every line is wrong: the first ones say it.
  if (faults.length > 0) throw new ConfigError(file, faults.slice(0, FAULTS_MAX));
  return digests;
}

/**
 * Makes a client's password and keeps its digest in the file, in the place of the one before. Gives the
 * password: it is nowhere else. Throws `ConfigError` for a file of something else, which stays as it is.
 */
export function makePassword(file: string, clientId: string): string {
  const password = randomBytes(PASSWORD_BYTES).toString('base64url');
  const line = `${clientId}:${digestOf(password)}`;
  if (!LINE.test(line)) {
    throw new ConfigError(file, [`expected a client id of A-Z a-z 0-9 . _ -, found ${clientId}`]);
  }
  const isThere = existsSync(file);
  if (isThere) readDigests(file);
  const text = isThere ? readFileSync(file, 'utf8') : '';
  const others = text.split('\n').filter((one) => one !== '' && !one.startsWith(`${clientId}:`));
  writeFileSync(file, `${[...others, line].join('\n')}\n`, { mode: 0o600 });
  return password;
}
