import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { BATCH_BYTES_MAX } from '../model/batch.ts';

/** Measured on batches of 64 values: level 1 takes 45 µs and is within 2 % of level 9. */
const LEVEL = 1;
/** Shorter ones (seals, gaps: mostly hashes and signatures) gain next to nothing. */
const PACKED_BYTES_MIN = 1_024;

/** What lies on the disk for a payload; exactly its bytes come back. */
export function packPayload(payload: Uint8Array): {
  readonly bytes: Uint8Array;
  readonly isPacked: boolean;
} {
  if (payload.byteLength < PACKED_BYTES_MIN) return { bytes: payload, isPacked: false };
  const bytes = zstdCompressSync(payload, {
    params: { [constants.ZSTD_c_compressionLevel]: LEVEL },
  });
  const gains = bytes.byteLength < payload.byteLength;
  return gains ? { bytes, isPacked: true } : { bytes: payload, isPacked: false };
}

/** Null when the bytes are damaged. */
export function unpackPayload(bytes: Uint8Array): Uint8Array | null {
  try {
    return zstdDecompressSync(bytes, { maxOutputLength: BATCH_BYTES_MAX });
  } catch {
    // A disk that lost bits: the caller has a signed way to say so.
    return null;
  }
}
