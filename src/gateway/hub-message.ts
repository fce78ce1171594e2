import type { z } from 'zod';
import type { GatewayId } from '../model/ids.ts';
import { fail, ok, type Result } from '../model/result.ts';
import { AckMessage, CommandMessage } from '../telemetry/messages.ts';
import { keyIdOf, verifyMessage } from '../telemetry/signing.ts';

/** Bigger messages are not looked at: 64 ranges for each of a thousand epochs fit. */
const MESSAGE_BYTES_MAX = 4 * 1024 * 1024;

export type HubMessageRefusal =
  | 'too-big'
  | 'not-json'
  | 'not-signed-by-the-hub'
  | 'malformed'
  | 'not-for-us';

/** Whose signature counts, and who we are. */
export interface HubTrust {
  readonly gateway: GatewayId;
  /** The pinned keys: raw Ed25519, base64. */
  readonly hubPublicKeys: readonly string[];
}

export const readAck = (
  payload: Uint8Array,
  trust: HubTrust,
): Result<AckMessage, HubMessageRefusal> => readSigned(AckMessage, payload, trust);

export const readCommand = (
  payload: Uint8Array,
  trust: HubTrust,
): Result<CommandMessage, HubMessageRefusal> => readSigned(CommandMessage, payload, trust);

/**
 * Takes a message only when the pinned hub key signed it for this gateway. Everything else must change
 * nothing: whoever can publish on the broker could otherwise delete readings.
 */
function readSigned<T extends { gateway: GatewayId }>(
  schema: z.ZodType<T>,
  payload: Uint8Array,
  trust: HubTrust,
): Result<T, HubMessageRefusal> {
  if (payload.byteLength > MESSAGE_BYTES_MAX) {
    return fail('too-big', `${payload.byteLength} bytes`);
  }
  const message = parseObject(payload);
  if (message === null) return fail('not-json', 'no JSON object');
  if (!trust.hubPublicKeys.some((key) => verifyMessage(message, key))) {
    const pinned = trust.hubPublicKeys.map(keyIdOf).join(', ');
    const detail = `signed by key ${JSON.stringify(message['keyId'])}, pinned is ${pinned}`;
    return fail('not-signed-by-the-hub', detail);
  }
  const parsed = schema.safeParse(message);
  if (!parsed.success) return fail('malformed', parsed.error.message);
  if (parsed.data.gateway !== trust.gateway) {
    return fail('not-for-us', `gateway ${parsed.data.gateway}`);
  }
  return ok(parsed.data);
}

function parseObject(payload: Uint8Array): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(Buffer.from(payload).toString('utf8'));
    return value !== null && typeof value === 'object' ? { ...value } : null;
  } catch {
    // Bytes that are no JSON are no message of the hub's.
    return null;
  }
}
