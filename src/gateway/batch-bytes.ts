import type { ClockState } from '../model/batch.ts';
import type { GatewayId } from '../model/ids.ts';
import type { ChainLink } from './spool.ts';

/** What all batches of a process have in common. */
export interface BatchHeader {
  readonly gateway: GatewayId;
  readonly meta: { readonly template?: string; readonly build: string };
}

/** Bytes that a batch needs besides its frames; the header's texts are bounded by the config. */
export const BATCH_HEADER_BYTES_MAX = 4_096;

/** The bytes of a batch (v1). `frames` are the JSON texts of its frames. */
export function encodeBatch(
  { gateway, meta }: BatchHeader,
  link: ChainLink,
  { createdAtMs, clock }: { readonly createdAtMs: number; readonly clock: ClockState },
  frames: readonly string[],
): Buffer {
  const opening = JSON.stringify({ v: 1, gateway, ...link, createdAt: createdAtMs, clock, meta });
  return Buffer.from(`${opening.slice(0, -1)},"frames":[${frames.join(',')}]}`);
}
