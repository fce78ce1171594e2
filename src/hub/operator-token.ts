import { ConfigError, readNamedFile } from '../process/config-file.ts';

/** 128 bits in hex: one that can't be guessed. */
const CHARS_MIN = 32;

/** The token in the file; null: there is no file, so nobody may change things. Throws `ConfigError`. */
export function readOperatorToken(file: string | undefined): string | null {
  if (file === undefined) return null;
  const token = readNamedFile(file).toString().trim();
  if (token.length >= CHARS_MIN) return token;
  throw new ConfigError(file, [
    `expected a token of at least ${CHARS_MIN} characters (openssl rand -hex 32), found ${token.length}`,
  ]);
}
