import { writeFileSync } from 'node:fs';
import { ConfigError } from '../src/process/config-file.ts';
import { makeFolderOf } from '../src/process/make-folder.ts';
import { generateKeyPem, signingKeyFromPem } from '../src/telemetry/signing.ts';

/**
 * `wugan gateway keygen`: makes the private key (mode 0600) and prints the public one. An existing file
 * is never overwritten: the chain that its key sealed could not go on.
 */
export function runKeygen(options: { out: string }): void {
  const pem = generateKeyPem();
  makeFolderOf(options.out);
  try {
    writeFileSync(options.out, pem, { mode: 0o600, flag: 'wx' });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const reason =
      code === 'EEXIST'
        ? 'exists already and is kept: what it has signed could not be verified with another key'
        : `cannot be written: ${code}`;
    throw new ConfigError(options.out, [reason]);
  }
  const { publicKey, keyId } = signingKeyFromPem(pem);
  console.log(`private key: ${options.out} (mode 0600; it never leaves this machine)`);
  console.log(`key id:      ${keyId}`);
  console.log(`public key:  ${publicKey}`);
  console.log('Register the public key with the hub: gateways[].publicKey in registry.yaml.');
}
