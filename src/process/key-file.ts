import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { generateKeyPem, type SigningKey, signingKeyFromPem } from '../telemetry/signing.ts';
import { ConfigError } from './config-file.ts';
import { makeFolderOf } from './make-folder.ts';

/**
 * Reads an Ed25519 private key; makes one (mode 0600) when the file does not exist. Throws `ConfigError`
 * when the file holds something else, or its folder can't be made.
 */
export function readOrMakeKey(file: string): SigningKey {
  if (!existsSync(file)) {
    makeFolderOf(file);
    writeFileSync(file, generateKeyPem(), { mode: 0o600, flag: 'wx' });
  }
  const text = readFileSync(file, 'utf8');
  try {
    return signingKeyFromPem(text);
  } catch (error) {
    const what = 'holds no Ed25519 private key in PEM (PKCS#8)';
    throw new ConfigError(file, [`${what}: ${(error as Error).message}`]);
  }
}
