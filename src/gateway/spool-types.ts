import type { DeviceId, GatewayId, Sha256Hex, Ulid } from '../model/ids.ts';
import type { FaultPoint } from '../process/fault-point.ts';
import type { AckMessage } from '../telemetry/messages.ts';
import type { SigningKey } from '../telemetry/signing.ts';
import type { SpoolFill } from './spool-fill.ts';
import type { SpoolOrigin } from './spool-schema.ts';
import type { ItemKind, StagedFrame } from './spool-statements.ts';

export type EpochReason =
  | 'first-start'
  | 'spool-lost'
  | 'spool-restored'
  | 'clock-step'
  | 'ack-above-head';

/** The place of a batch in the chain. */
export interface ChainLink {
  readonly epoch: Ulid;
  readonly seq: number;
  /** SHA-256 of the batch before, of the previous epoch for seq 1; zeros for the very first. */
  readonly prev: Sha256Hex;
}

export interface SpoolItem {
  readonly id: number;
  readonly kind: ItemKind;
  readonly createdAtMs: number;
  readonly payload: Uint8Array;
}

export interface BatchToSpool {
  readonly createdAtMs: number;
  /** Makes the batch's bytes, which never change afterwards; null: nothing but `staged`. */
  readonly encode: ((link: ChainLink) => Uint8Array) | null;
  /** The last `at` of each device in it. */
  readonly positions: ReadonlyMap<DeviceId, number>;
  /** Frames that are kept for a later batch. */
  readonly staged?: readonly StagedFrame[];
  /** It is the batch of all frames that were staged: they feed no rule. */
  readonly isOfStaged?: boolean;
}

export interface SpoolStats {
  readonly items: number;
  /** Bytes on the disk, rows and indexes included. */
  readonly bytes: number;
  /** When the oldest item was made; null: empty. */
  readonly oldestAtMs: number | null;
  /** Batches given up by this process, each named by a signed gap. */
  readonly batchesGivenUp: number;
  readonly fill: SpoolFill;
}

export interface Spool {
  /** Epoch, and seq of the last batch made; 0: none yet. */
  head(): { readonly epoch: Ulid; readonly seq: number; readonly hash: Sha256Hex };
  positionOf(device: DeviceId): number | null;
  /** The latest `at` of any device. */
  lastAtMs(): number | null;
  /** The highest item id so far. */
  lastId(): number;
  /** Stores a batch, moves chain and positions, keeps the bounds: one transaction, on the disk. */
  append(batch: BatchToSpool): void;
  /** Frames that wait for their batch. */
  staged(): StagedFrame[];
  /** Signs the chain head, unless it is sealed or there is none. */
  seal(nowMs: number): void;
  openEpoch(reason: EpochReason, nowMs: number): void;
  /** The first item above `id` and below `beforeId`. */
  nextAfter(id: number, beforeId?: number): SpoolItem | null;
  get(id: number): SpoolItem | null;
  /** The latest item made before a time; 0: none. */
  lastIdMadeBefore(timeMs: number): number;
  /** Held batches and gaps of a range. */
  idsWithin(epoch: Ulid, from: number, to: number): number[];
  /**
   * Deletes what a verified ack covers, except what `isUnsent` says can't have got there. Says which
   * ids went, and whether the ack names a seq above the head: another history than ours.
   */
  settle(
    ack: AckMessage,
    isUnsent: (id: number) => boolean,
  ): { readonly deleted: readonly number[]; readonly isAboveHead: boolean };
  stats(nowMs: number): SpoolStats;
  /** What was found when it was opened. */
  readonly origin: SpoolOrigin;
  /** `at` of the last command obeyed; 0: none. */
  lastCommandAtMs(): number;
  putLastCommandAtMs(atMs: number): void;
  /** When the disk has room again, as much as before may be held. */
  lookAtDisk(): void;
  close(): void;
}

export interface SpoolSettings {
  readonly file: string;
  readonly gateway: GatewayId;
  readonly key: SigningKey;
  readonly bytesMax: number;
  readonly ageMsMax: number;
  readonly sealEveryBatches: number;
  readonly nowMs: number;
  /** False for a virtual clock, which starts where it likes. */
  readonly isClockWatched: boolean;
  readonly faultPoint: FaultPoint;
  /** The disk has lost what was on it: nothing more can be read or written; a new start makes a new file. */
  readonly onDamage?: (error: unknown) => void;
}
