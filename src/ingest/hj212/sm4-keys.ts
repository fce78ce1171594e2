import { readFileSync } from 'node:fs';
import { SM4_KEY_BYTES } from '../../telemetry/hj212/sm4-region.ts';
import type { Hj212Settings } from './settings.ts';

/** Reads the SM4 keys of the devices that encrypt. Throws an error that names the file. */
export function readSm4Keys(keys: Hj212Settings['keys']): ReadonlyMap<string, Uint8Array> {
  return new Map(
    keys.map(({ mn, file }) => {
      const text = readFileSync(file, 'utf8').trim();
      if (!/^[0-9A-Fa-f]{32}$/.test(text)) {
        throw Object.assign(
          new Error(
            `Cannot read the SM4 key of MN ${mn} in ${file}: expected ${2 * SM4_KEY_BYTES} hex digits`,
          ),
          { hint: 'ingest.hj212.keys' },
        );
      }
      return [mn, Buffer.from(text, 'hex')];
    }),
  );
}
