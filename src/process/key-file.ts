import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { generateKeyPem, type SigningKey, signingKeyFromPem } from '../telemetry/signing.ts';
import { ConfigError } from './config-file.ts';

/**
 * Reads an Ed25519 private key; makes one (mode 0600) when the file does not exist. Throws `ConfigError`
 * when the file holds something else.
 */
export function readOrMakeKey(file: string): SigningKey {
  if (!existsSync(file)) {
    mkdirSync(dirname(file), { recursive: true });
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
