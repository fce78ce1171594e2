import type { Batch } from '../../model/batch.ts';
import type { Dialect } from '../../model/entry.ts';
import type { Fact } from '../../model/facts.ts';
import type { GatewayId, Sha256Hex, Ulid } from '../../model/ids.ts';
import type { GapMessage, SealMessage } from '../../telemetry/messages.ts';

/**
 * What became of a submission. `stored` and `duplicate`: durable. `deferred`: not kept, the sender
 * sends again (its ranges are at their bound). `unbacked`: not kept, a seal of what did not come.
 * `closed`: the journal stopped first.
 */
export type Outcome = 'stored' | 'duplicate' | 'deferred' | 'unbacked' | 'closed';

interface SubmissionBase {
  /** The bytes as they came. */
  readonly raw: Uint8Array;
  readonly sha256: Sha256Hex;
  readonly receivedAtMs: number;
  /** Called once, after the commit that holds the entry (or finds it held). */
  readonly done: (outcome: Outcome) => void;
}

/** How the bytes are read again (`decodePayload`). */
interface PayloadSubmission extends SubmissionBase {
  readonly dialect: Dialect;
  readonly context: string | null;
}

export interface BatchSubmission extends PayloadSubmission {
  readonly kind: 'batch';
  readonly topic: 'live' | 'backfill';
  readonly gateway: GatewayId;
  readonly epoch: Ulid | null;
  readonly seq: number | null;
  readonly batch: Batch;
  /** Values in the batch's frames. */
  readonly readings: number;
  /** It was parked, so what it is under its key is settled; absent: that is to be judged. */
  readonly judged?: 'new' | 'conflict';
  /** What a look-up in older blocks found; null: none was needed so far. */
  found: Found | null;
}

export interface ParkedSubmission extends PayloadSubmission {
  readonly kind: 'parked';
  readonly topic: 'live' | 'backfill';
  readonly gateway: GatewayId;
  readonly epoch: Ulid | null;
  readonly seq: number | null;
  found: Found | null;
}

export interface GapSubmission extends SubmissionBase {
  readonly kind: 'gap';
  readonly gateway: GatewayId;
  readonly message: GapMessage;
}

export interface SealSubmission extends SubmissionBase {
  readonly kind: 'seal';
  readonly gateway: GatewayId;
  readonly message: SealMessage;
  readonly verified: boolean;
}

export interface FactSubmission extends SubmissionBase {
  readonly kind: 'fact';
  readonly fact: Fact;
}

export interface TickSubmission extends SubmissionBase {
  readonly kind: 'tick';
  readonly atMs: number;
}

/** `same`: these bytes are there; `other`: other bytes under the key; `none`: the key holds no bytes. */
export type Found = 'same' | 'other' | 'none';

export type KeyedSubmission = BatchSubmission | ParkedSubmission;
/** What has a place in an epoch. */
export type EpochSubmission = KeyedSubmission | GapSubmission | SealSubmission;
export type Submission =
  | BatchSubmission
  | ParkedSubmission
  | GapSubmission
  | SealSubmission
  | FactSubmission
  | TickSubmission;
