import type { Dialect } from '../model/entry.ts';
import type { Result } from '../model/result.ts';
import { type DecodedFrame, decodeFrame } from './hj212/decode-frame.ts';
import type { ReadingContext } from './hj212/reading-context.ts';
import type { Hj212Reason } from './hj212/reading-reasons.ts';
import { type DecodedMessage, decodeMessage } from './sparkplug/decode-message.ts';
import type { SparkplugContext } from './sparkplug/sparkplug-context.ts';
import { type Validated, validateBatch } from './validate.ts';

/** Bytes as they came, with all that reading them again takes. */
export interface Payload {
  readonly dialect: Dialect;
  readonly raw: Uint8Array;
  /**
   * What else than the bytes says what they mean, as text: of a device that names its values by codes,
   * what these stood for when it came. Kept beside the bytes, so that a replay reads what was read.
   * Null: the bytes say it all.
   */
  readonly context: string | null;
  /** Hub time, UTC ms. */
  readonly receivedAtMs: number;
}

/** What a payload holds. `unused`: it is sound, and nothing of it is registered. */
export type Decoded = Validated | { readonly kind: 'unused' } | PayloadFault;

/** Why a payload of another dialect than JSON is not a batch. */
export interface PayloadFault {
  readonly kind: 'faulty';
  readonly reason: Hj212Reason | 'oversize' | 'sparkplug-malformed';
  readonly detail: string;
}

/**
 * The batch that a payload holds, or why it holds none. Pure: the same payload gives the same batch,
 * live and on replay. Never throws on what came from outside.
 */
export function decodePayload({ dialect, raw, context, receivedAtMs }: Payload): Decoded {
  switch (dialect) {
    case 'json':
      return validateBatch(raw);
    case 'hj212':
      // The context is our own word.
      return decoded(decodeFrame(raw, JSON.parse(context ?? '') as ReadingContext, receivedAtMs));
    case 'sparkplug':
      return decoded(
        decodeMessage(raw, JSON.parse(context ?? '') as SparkplugContext, receivedAtMs),
      );
  }
}

function decoded(read: Result<DecodedFrame | DecodedMessage, PayloadFault['reason']>): Decoded {
  if (read.ok) return read.value;
  return { kind: 'faulty', reason: read.reason, detail: read.detail };
}
