import type { Dialect } from '../model/entry.ts';
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

/**
 * The batch that a payload holds, or why it holds none. Pure: the same payload gives the same batch,
 * live and on replay. Never throws on what came from outside.
 */
export function decodePayload({ dialect, raw }: Payload): Validated {
  switch (dialect) {
    case 'json':
      return validateBatch(raw);
    case 'hj212':
    case 'sparkplug':
      throw new Error(`Cannot read a payload of ${dialect}: this build does not know it`);
  }
}
