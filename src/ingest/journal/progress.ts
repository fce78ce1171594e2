import type { Sha256Hex, Ulid } from '../../model/ids.ts';
import {
  type EpochProgress,
  type EpochState,
  recall,
  rememberConflict,
  rememberHash,
  restoreEpoch,
} from './epoch-progress.ts';
import { createKnownEpochs, type KnownEpochs } from './known-epochs.ts';
import { createRecentSet, type RecentSet } from './recent-set.ts';
import { addRange, hasRange, hasSeq } from './seq-set.ts';
import type { GapSubmission, KeyedSubmission, SealSubmission } from './submission.ts';

/** Ranges above `durable` per epoch: beyond it a batch is not taken and comes again later. */
export const RANGES_MAX = 512;
/** Raw batches of simple producers that are remembered; older copies meet the key of the reading. */
const UNKEYED_MAX = 50_000;

/**
 * `ask`: the database must be looked at before it can be said. `unbacked`: a seal that nobody vouches
 * for, of what did not come.
 */
export type Verdict = 'new' | 'conflict' | 'duplicate' | 'deferred' | 'unbacked' | 'ask';

/** A batch of an older block. */
export interface KnownBatch {
  readonly gateway: string;
  readonly epoch: Ulid | null;
  readonly seq: number | null;
  readonly sha256: Sha256Hex;
  readonly conflict: boolean;
}

export interface Progress {
  /** Decides and, unless it says `ask`, `deferred` or `duplicate`, settles the key at once. */
  take(batch: KeyedSubmission): Verdict;
  takeGap(gap: GapSubmission): Verdict;
  takeSeal(seal: SealSubmission): Verdict;
  /** Settles what an older block holds (start-up); these are told to gateways after `commit`. */
  settle(gateway: string, epoch: Ulid, from: number, to: number): void;
  settleSeal(gateway: string, epoch: Ulid, upTo: number, sha256: Sha256Hex): void;
  /** Remembers the bytes of an older block under their key (start-up). */
  remember(known: KnownBatch): void;
  restore(gateway: string, epoch: Ulid, state: EpochState): void;
  /** Epochs changed since the last `commit`. */
  changed(): readonly EpochProgress[];
  /** What is settled so far is durable and may be told. */
  commit(): void;
  /** Epochs whose rows in the database are older than they are. */
  unwritten(): readonly EpochProgress[];
  /** The rows of all epochs are up to date. */
  written(): void;
  /** Committed state of a gateway's epochs in memory, oldest first. */
  epochsOf(gateway: string): readonly EpochProgress[];
  /** Which epochs are in memory, and how others come back. */
  readonly known: Pick<KnownEpochs, 'has' | 'generation' | 'revive' | 'markPartial'>;
}

/**
 * The memory mirror of `telemetry.gateway_progress`, owned by the one writer of the shard.
 */
export function createProgress(): Progress {
  const unkeyed: RecentSet = createRecentSet(UNKEYED_MAX);
  const dirty = new Set<EpochProgress>();
  const unwritten = new Set<EpochProgress>();
  const known = createKnownEpochs((progress) => !unwritten.has(progress));
  let touches = 0;

  function mark(progress: EpochProgress): void {
    dirty.add(progress);
    unwritten.add(progress);
  }

  /** The epoch of a message that came, or the verdict when it can't be looked at now. */
  function open(gateway: string, epoch: Ulid): EpochProgress | 'ask' | 'deferred' {
    const opened = known.open(gateway, epoch);
    if (opened === 'full') return 'deferred';
    if (opened === 'ask') return 'ask';
    touches += 1;
    opened.touched = touches;
    return opened;
  }

  function take(batch: KeyedSubmission): Verdict {
    const { gateway, epoch, seq, sha256 } = batch;
    if (epoch === null || seq === null) {
      const key = `${gateway} ${sha256}`;
      if (unkeyed.has(key)) return 'duplicate';
      unkeyed.add(key);
      return 'new';
    }
    const progress = open(gateway, epoch);
    if (typeof progress === 'string') return progress;
    if (!hasSeq(progress, seq)) {
      if (progress.stored.length >= RANGES_MAX && seq > progress.durable + 1) return 'deferred';
      addRange(progress, seq, seq);
      rememberHash(progress, seq, sha256);
      mark(progress);
      return 'new';
    }
    const found = recall(progress, seq, sha256) ?? batch.found;
    if (found === null) return 'ask';
    if (found === 'same') return 'duplicate';
    if (found === 'none') {
      rememberHash(progress, seq, sha256);
      return 'new';
    }
    rememberConflict(progress, seq, sha256);
    return 'conflict';
  }

  function takeGap({ gateway, message }: GapSubmission): Verdict {
    const progress = open(gateway, message.epoch);
    if (typeof progress === 'string') return progress;
    if (hasRange(progress, message.from, message.to)) return 'duplicate';
    if (progress.stored.length >= RANGES_MAX && message.from > progress.durable + 1) {
      return 'deferred';
    }
    addRange(progress, message.from, message.to);
    mark(progress);
    return 'new';
  }

  /** A later seal covers what an earlier one does: an earlier one that comes late adds nothing. */
  function takeSeal({ gateway, message, verified, sha256 }: SealSubmission): Verdict {
    const progress = open(gateway, message.epoch);
    if (typeof progress === 'string') return progress;
    // Nobody vouches for it: it must not make an ack name what the gateway never made.
    if (!verified && !hasSeq(progress, message.upTo)) return 'unbacked';
    if (message.upTo < progress.sealed) return 'duplicate';
    if (message.upTo === progress.sealed && progress.sealSha256 === sha256) return 'duplicate';
    progress.sealed = message.upTo;
    progress.sealSha256 = sha256;
    mark(progress);
    return 'new';
  }

  return {
    take,
    takeGap,
    takeSeal,
    known,
    settle(gateway, epoch, from, to) {
      const progress = known.make(gateway, epoch);
      addRange(progress, from, to);
      mark(progress);
    },
    settleSeal(gateway, epoch, upTo, sha256) {
      const progress = known.make(gateway, epoch);
      if (upTo < progress.sealed) return;
      progress.sealed = upTo;
      progress.sealSha256 = sha256;
      mark(progress);
    },
    remember({ gateway, epoch, seq, sha256, conflict }) {
      if (epoch === null || seq === null) unkeyed.add(`${gateway} ${sha256}`);
      else if (conflict) rememberConflict(known.make(gateway, epoch), seq, sha256);
      else rememberHash(known.make(gateway, epoch), seq, sha256);
    },
    restore: (gateway, epoch, state) => restoreEpoch(known.make(gateway, epoch), state),
    changed: () => [...dirty],
    commit() {
      for (const progress of dirty) {
        const { durable, stored, sealed } = progress;
        progress.committed = { durable, stored: stored.map(([a, b]) => [a, b] as const), sealed };
      }
      dirty.clear();
    },
    unwritten: () => [...unwritten],
    written: () => unwritten.clear(),
    epochsOf: known.of,
  };
}
