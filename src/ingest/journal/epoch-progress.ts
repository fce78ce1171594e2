import type { Sha256Hex, Ulid } from '../../model/ids.ts';
import type { SeqSet } from './seq-set.ts';
import type { Found } from './submission.ts';

/** Hashes remembered per epoch, so that a redelivery needs no look-up; more than is ever in flight. */
const HASHES_MAX = 64;
/** Seqs per epoch whose conflicting contents are remembered. */
const CONFLICTS_MAX = 1_024;

/** What is settled of an epoch, as acks tell it and the database holds it. */
export interface EpochState {
  readonly durable: number;
  readonly stored: readonly (readonly [number, number])[];
  readonly sealed: number;
}

export interface EpochProgress extends SeqSet {
  readonly gateway: string;
  readonly epoch: Ulid;
  sealed: number;
  /** The same as of the last commit: what may be told to the gateway. */
  committed: EpochState;
  /** Rises with each message of the epoch, over all epochs; 0: none came since the start. */
  touched: number;
  /** SHA-256 by `seq % HASHES_MAX`, with the seq it belongs to. */
  readonly hashes: (Sha256Hex | undefined)[];
  readonly hashSeqs: number[];
  /** Contents that came beside the first under the same key. */
  readonly conflicts: Map<number, Sha256Hex[]>;
  sealSha256: Sha256Hex | null;
}

export const emptyEpoch = (gateway: string, epoch: Ulid): EpochProgress => ({
  gateway,
  epoch,
  durable: 0,
  stored: [],
  sealed: 0,
  committed: { durable: 0, stored: [], sealed: 0 },
  touched: 0,
  hashes: [],
  hashSeqs: [],
  conflicts: new Map(),
  sealSha256: null,
});

/** Puts an epoch back as its row in the database says. */
export function restoreEpoch(progress: EpochProgress, state: EpochState): void {
  progress.durable = state.durable;
  progress.stored = state.stored.map(([from, to]) => [from, to]);
  progress.sealed = state.sealed;
  progress.committed = state;
}

export function rememberHash(progress: EpochProgress, seq: number, sha256: Sha256Hex): void {
  const slot = seq % HASHES_MAX;
  progress.hashes[slot] = sha256;
  progress.hashSeqs[slot] = seq;
}

export function rememberConflict(progress: EpochProgress, seq: number, sha256: Sha256Hex): void {
  const others = progress.conflicts.get(seq);
  if (others !== undefined) {
    others.push(sha256);
    return;
  }
  progress.conflicts.set(seq, [sha256]);
  if (progress.conflicts.size <= CONFLICTS_MAX) return;
  // The oldest is forgotten here, not in the journal: a further copy is looked up there.
  const [oldest] = progress.conflicts.keys();
  if (oldest !== undefined) progress.conflicts.delete(oldest);
}

/** Whether these bytes are known under the key; null: not remembered. */
export function recall(progress: EpochProgress, seq: number, sha256: Sha256Hex): Found | null {
  if (progress.conflicts.get(seq)?.includes(sha256)) return 'same';
  const slot = seq % HASHES_MAX;
  if (progress.hashSeqs[slot] !== seq) return null;
  return progress.hashes[slot] === sha256 ? 'same' : 'other';
}
