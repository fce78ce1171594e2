import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { generateKeyPem, type SigningKey, signingKeyFromPem } from '../telemetry/signing.ts';

/** Reads an Ed25519 private key; makes one (mode 0600) when the file does not exist. */
export function readOrMakeKey(file: string): SigningKey {
  if (!existsSync(file)) {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, generateKeyPem(), { mode: 0o600, flag: 'wx' });
  }
  return signingKeyFromPem(readFileSync(file, 'utf8'));
}
