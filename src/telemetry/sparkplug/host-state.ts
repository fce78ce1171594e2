import { z } from 'zod';

/** Payload of `spBv1.0/STATE/{hostId}`; the time is UTC ms. */
const HostState = z.object({ online: z.boolean(), timestamp: z.number() });
export type HostState = z.infer<typeof HostState>;

export const writeHostState = ({ online, timestamp }: HostState): Buffer =>
  Buffer.from(JSON.stringify({ online, timestamp }));

/** Null: it is no such payload. */
export function readHostState(raw: Uint8Array): HostState | null {
  try {
    return HostState.safeParse(JSON.parse(Buffer.from(raw).toString())).data ?? null;
  } catch {
    // Anybody may write anything there.
    return null;
  }
}
