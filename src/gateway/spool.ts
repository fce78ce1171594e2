import type { DatabaseSync } from 'node:sqlite';
import { ulid } from 'ulid';
import { sha256Hex } from '../model/digest.ts';
import {
  type DeviceId,
  type GatewayId,
  type Sha256Hex,
  type Ulid,
  ZERO_HASH,
} from '../model/ids.ts';
import { SECOND_MS } from '../model/time.ts';
import type { FaultPoint } from '../process/fault-point.ts';
import type { AckMessage } from '../telemetry/messages.ts';
import { type SigningKey, signMessage } from '../telemetry/signing.ts';
import { createSpoolBounds } from './spool-bounds.ts';
import { createFillWatch, type SpoolFill } from './spool-fill.ts';
import { openSpoolDatabase, type SpoolOrigin } from './spool-schema.ts';
import {
  type ItemKind,
  prepareStatements,
  type StagedFrame,
  type StoredItem,
} from './spool-statements.ts';

export type { StagedFrame } from './spool-statements.ts';

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
}

/** A clock further back than this behind the last batch has been set back. */
const CLOCK_BACK_MS_MAX = SECOND_MS;

const EPOCH_REASON = {
  opened: null,
  made: 'first-start',
  damaged: 'spool-lost',
  restored: 'spool-restored',
} as const satisfies Record<SpoolOrigin, EpochReason | null>;

/**
 * Keeps batches, gaps and seals on the disk until the hub's ack, and the chain that ties them. What
 * belongs together is one transaction: killed at any moment, it goes on from the last commit.
 */
export function openSpool(settings: SpoolSettings): Spool {
  const { gateway, key } = settings;
  const { db, origin } = openSpoolDatabase(settings.file, settings.nowMs);
  const sql = prepareStatements(db);
  const inTransaction = transactionsOf(db);
  const bounds = createSpoolBounds({ ...settings, sql });
  const fill = createFillWatch(settings);

  const headRow = () => {
    const row = sql.lastEpoch();
    if (row === null) throw new Error(`Cannot use the spool ${settings.file}: it has no epoch`);
    return row;
  };

  /** Nobody watched the clock while the process was down; a long way off is taken for a step. */
  function isClockOff(): boolean {
    const stoodStillMs = settings.nowMs - headRow().headAtMs;
    if (!settings.isClockWatched) return false;
    return stoodStillMs < -CLOCK_BACK_MS_MAX || stoodStillMs > settings.ageMsMax;
  }

  function putEpoch(reason: EpochReason, nowMs: number): void {
    const before = sql.lastEpoch();
    if (before !== null) putSeal(nowMs);
    // The chain goes on across epochs, so that none can vanish unseen.
    sql.insertEpoch(ulid(nowMs), reason, nowMs, before?.headHash ?? ZERO_HASH);
  }

  function putSeal(nowMs: number): void {
    const { epoch, headSeq, headHash, sealedSeq } = headRow();
    if (headSeq === sealedSeq) return;
    const message = { v: 1, gateway, epoch, upTo: headSeq, hash: headHash };
    const payload = Buffer.from(JSON.stringify(signMessage(message, key)));
    const range = { epoch, from: headSeq, to: headSeq };
    const times = { createdAtMs: nowMs, prev: headHash, hash: headHash };
    sql.insertItem({ kind: 'seal', ...range, ...times, feedsRule: true }, payload);
    sql.moveSealed(epoch, headSeq);
  }

  /** A batch whose bytes are not those of its hash any more must not be sent as if they were. */
  function intact(item: StoredItem | null): SpoolItem | null {
    if (item === null) return null;
    const { payload } = item;
    if (item.kind === 'gap') bounds.onShown(item.id);
    if (payload !== null && (item.kind !== 'batch' || sha256Hex(payload) === item.hash)) {
      return { ...item, payload };
    }
    const run = { first: item, last: item, ids: [item.id] };
    inTransaction(() => bounds.giveUp(run, 'spool-damaged', item.createdAtMs));
    return null;
  }

  function nextAfter(id: number, beforeId = Number.MAX_SAFE_INTEGER): SpoolItem | null {
    for (let after = id; ; ) {
      const stored = sql.nextItem(after, beforeId);
      const item = intact(stored);
      if (stored === null || item !== null) return item;
      after = stored.id;
    }
  }

  function append(batch: BatchToSpool): void {
    const { createdAtMs, positions, staged = [] } = batch;
    const bytesBefore = sql.held().bytes;
    let bytesAdded = 0;
    inTransaction(() => {
      putBatch(batch);
      for (const frame of staged) sql.stage(frame);
      for (const [device, lastAtMs] of positions) sql.putPosition(device, lastAtMs);
      const { headSeq, sealedSeq } = headRow();
      if (headSeq - sealedSeq >= settings.sealEveryBatches) putSeal(createdAtMs);
      bytesAdded = sql.held().bytes - bytesBefore;
      bounds.keep(createdAtMs);
      settings.faultPoint('gateway:before-append');
    });
    fill.onAdded(bytesAdded, createdAtMs);
    settings.faultPoint('gateway:after-append');
  }

  function putBatch({ createdAtMs, encode, isOfStaged = false }: BatchToSpool): void {
    if (encode === null) return;
    const { epoch, headSeq, headHash: prev } = headRow();
    const seq = headSeq + 1;
    const payload = encode({ epoch, seq, prev });
    const hash = sha256Hex(payload);
    const header = { epoch, from: seq, to: seq, createdAtMs, prev, hash };
    sql.insertItem({ kind: 'batch', ...header, feedsRule: !isOfStaged }, payload);
    sql.moveHead(epoch, seq, hash, createdAtMs);
    if (isOfStaged) sql.unstage();
  }

  const needsEpoch = EPOCH_REASON[origin] ?? (isClockOff() ? 'clock-step' : null);
  if (needsEpoch !== null) inTransaction(() => putEpoch(needsEpoch, settings.nowMs));

  return {
    head() {
      const { epoch, headSeq, headHash } = headRow();
      return { epoch, seq: headSeq, hash: headHash };
    },
    positionOf: sql.positionOf,
    lastAtMs: sql.lastPositionMs,
    lastId: sql.lastId,
    append,
    staged: sql.staged,
    seal: (nowMs) => inTransaction(() => putSeal(nowMs)),
    openEpoch: (reason, nowMs) => inTransaction(() => putEpoch(reason, nowMs)),
    nextAfter,
    get: (id) => intact(sql.item(id)),
    lastIdMadeBefore: sql.lastIdMadeBefore,
    idsWithin: sql.idsWithin,
    settle(ack, isUnsent) {
      const head = headRow();
      const covered = ack.epochs.flatMap(({ epoch, durable, stored, sealed }) => [
        ...[[1, durable] as const, ...stored].flatMap(([from, to]) =>
          sql.idsWithin(epoch, from, to),
        ),
        ...sql.sealIdsWithin(epoch, 1, sealed),
      ]);
      const deleted = covered.filter((id) => !isUnsent(id));
      for (const id of deleted) bounds.onDeleted(id);
      if (deleted.length > 0) {
        inTransaction(() => {
          for (const id of deleted) sql.deleteItem(id);
          settings.faultPoint('gateway:before-delete');
        });
      }
      const own = ack.epochs.find(({ epoch }) => epoch === head.epoch);
      const named = own === undefined ? 0 : Math.max(own.durable, own.sealed, ...own.stored.flat());
      return { deleted, isAboveHead: named > head.headSeq };
    },
    stats(nowMs) {
      const held = { ...sql.held(), oldestAtMs: sql.oldestAtMs() };
      const batchesGivenUp = bounds.batchesGivenUp();
      return { ...held, batchesGivenUp, fill: fill.look(held, nowMs) };
    },
    close: () => db.close(),
  };
}

function transactionsOf(db: DatabaseSync): (work: () => void) => void {
  return (work) => {
    db.exec('BEGIN IMMEDIATE');
    try {
      work();
      db.exec('COMMIT');
    } catch (error) {
      // A full disk may have rolled it back already.
      if (db.isTransaction) db.exec('ROLLBACK');
      throw error;
    }
  };
}
