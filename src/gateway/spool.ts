import type { DatabaseSync } from 'node:sqlite';
import { ulid } from 'ulid';
import { sha256Hex } from '../model/digest.ts';
import { ZERO_HASH } from '../model/ids.ts';
import { SECOND_MS } from '../model/time.ts';
import type { AckMessage } from '../telemetry/messages.ts';
import { signMessage } from '../telemetry/signing.ts';
import { createSpoolBallast } from './spool-ballast.ts';
import { createSpoolBounds } from './spool-bounds.ts';
import { createFillWatch } from './spool-fill.ts';
import {
  isDamage,
  isDiskFull,
  markDamaged,
  openSpoolDatabase,
  type SpoolOrigin,
} from './spool-schema.ts';
import { prepareStatements, type StoredItem } from './spool-statements.ts';
import type { BatchToSpool, EpochReason, Spool, SpoolItem, SpoolSettings } from './spool-types.ts';

export type { StagedFrame } from './spool-statements.ts';
export type {
  BatchToSpool,
  ChainLink,
  EpochReason,
  Spool,
  SpoolItem,
  SpoolSettings,
  SpoolStats,
} from './spool-types.ts';

/** Of what a full disk holds of the spool, so much is held from then on. */
const DISK_SHARE = 0.95;
/** A clock further back than this behind the last batch has been set back. */
const CLOCK_BACK_MS_MAX = SECOND_MS;

const EPOCH_REASON = {
  opened: null,
  made: 'first-start',
  damaged: 'spool-lost',
  restored: 'spool-restored',
  foreign: 'spool-lost',
} as const satisfies Record<SpoolOrigin, EpochReason | null>;

/**
 * Keeps batches, gaps and seals on the disk until the hub's ack, and the chain that ties them. What
 * belongs together is one transaction: killed at any moment, it goes on from the last commit.
 */
export function openSpool(settings: SpoolSettings): Spool {
  const { gateway, key } = settings;
  const { db, origin } = openSpoolDatabase(settings.file, gateway, settings.nowMs);
  const sql = prepareStatements(db);
  const inTransaction = transactionsOf(db);
  const ballast = createSpoolBallast(settings.file);
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

  /** Damage is told, and marked for the next start; it stays an error. */
  function watched<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      if (isDamage(error)) {
        markDamaged(settings.file);
        settings.onDamage?.(error);
      }
      throw error;
    }
  }

  function append(batch: BatchToSpool): void {
    try {
      appendOnce(batch);
    } catch (error) {
      if (!isDiskFull(error) || !ballast.drop()) throw error;
      shrink(batch.createdAtMs);
      appendOnce(batch);
    }
  }

  /** The disk is full before the spool is: what is held now is too much, and the oldest goes. */
  function shrink(nowMs: number): void {
    bounds.limitTo(sql.held().bytes * DISK_SHARE);
    inTransaction(() => bounds.keep(nowMs));
    db.exec('PRAGMA wal_checkpoint(TRUNCATE)');
  }

  function appendOnce(batch: BatchToSpool): void {
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

  function settle(ack: AckMessage, isUnsent: (id: number) => boolean) {
    const head = headRow();
    const covered = ack.epochs.flatMap(({ epoch, durable, stored, sealed }) => [
      ...[[1, durable] as const, ...stored].flatMap(([from, to]) => sql.idsWithin(epoch, from, to)),
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
    append: (batch) => watched(() => append(batch)),
    staged: sql.staged,
    seal: (nowMs) => watched(() => inTransaction(() => putSeal(nowMs))),
    openEpoch: (reason, nowMs) => watched(() => inTransaction(() => putEpoch(reason, nowMs))),
    nextAfter: (id, beforeId) => watched(() => nextAfter(id, beforeId)),
    get: (id) => watched(() => intact(sql.item(id))),
    lastIdMadeBefore: sql.lastIdMadeBefore,
    idsWithin: sql.idsWithin,
    settle: (ack, isUnsent) => watched(() => settle(ack, isUnsent)),
    stats(nowMs) {
      const held = { ...sql.held(), oldestAtMs: sql.oldestAtMs() };
      const batchesGivenUp = bounds.batchesGivenUp();
      // An epoch of a clock that was wrong says nothing about ages.
      const oldestAtMs = sql.oldestAtMsOf(headRow().epoch);
      const now = { bytes: held.bytes, oldestAtMs, bytesMax: bounds.bytesMax() };
      return { ...held, batchesGivenUp, fill: fill.look(now, nowMs) };
    },
    origin,
    lastCommandAtMs: sql.lastCommandAtMs,
    putLastCommandAtMs: sql.putLastCommandAtMs,
    lookAtDisk() {
      if (ballast.restore()) bounds.limitTo(null);
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
