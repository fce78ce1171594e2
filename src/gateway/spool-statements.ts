import type { DatabaseSync } from 'node:sqlite';
import type { DeviceId, Sha256Hex, Ulid } from '../model/ids.ts';
import { packPayload, unpackPayload } from './spool-payload.ts';

export type ItemKind = 'batch' | 'gap' | 'seal';

/** A row of `item` without its payload. A batch has `from = to = seq`; a seal `upTo` in both. */
export interface ItemHeader {
  readonly kind: ItemKind;
  readonly epoch: Ulid;
  readonly from: number;
  readonly to: number;
  readonly createdAtMs: number;
  readonly prev: Sha256Hex;
  readonly hash: Sha256Hex;
  /** False for a batch of metrics that feed no rule. */
  readonly feedsRule: boolean;
}

export interface StoredHeader extends Omit<ItemHeader, 'feedsRule'> {
  readonly id: number;
  readonly sizeBytes: number;
}

export interface StoredItem extends StoredHeader {
  /** As it was put in; null: it can't be unpacked any more. */
  readonly payload: Uint8Array | null;
}

/** A frame's JSON text that waits to become part of a batch. */
export interface StagedFrame {
  readonly frame: string;
  readonly valueCount: number;
}

/**
 * What a row takes on the disk besides its payload, indexes and page slack included; measured, and a
 * test holds the sum against the file.
 */
export const ROW_BYTES = 400;

export interface EpochRow {
  readonly epoch: Ulid;
  readonly openedAtMs: number;
  readonly headSeq: number;
  readonly headHash: Sha256Hex;
  readonly headAtMs: number;
  readonly sealedSeq: number;
}

const HEADER = `id, kind, epoch, from_seq AS "from", to_seq AS "to", created_at_ms AS createdAtMs,
  prev, hash, size_bytes AS sizeBytes`;

/** The spool's SQL. Rows are those that this file wrote: the casts say what the columns hold. */
export function prepareStatements(db: DatabaseSync) {
  const insertItem = db.prepare(
    `INSERT INTO item (kind, epoch, from_seq, to_seq, created_at_ms, prev, hash, size_bytes, payload,
     packed, feeds_rule) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  const addHeld = db.prepare(
    'UPDATE state SET held_bytes = held_bytes + ?, held_items = held_items + ?',
  );
  const held = db.prepare('SELECT held_bytes AS bytes, held_items AS items FROM state');
  const deleteItem = db.prepare('DELETE FROM item WHERE id = ? RETURNING size_bytes AS sizeBytes');
  const batchesInOrder = db.prepare(`SELECT ${HEADER} FROM item WHERE kind = 'batch' ORDER BY id`);
  const spareInOrder = db.prepare(
    `SELECT ${HEADER} FROM item WHERE kind = 'batch' AND feeds_rule = 0 ORDER BY id`,
  );
  const nextItem = db.prepare(
    `SELECT ${HEADER}, payload, packed FROM item WHERE id > ? AND id < ? ORDER BY id LIMIT 1`,
  );
  const oneItem = db.prepare(`SELECT ${HEADER}, payload, packed FROM item WHERE id = ?`);
  const stage = db.prepare('INSERT INTO staged (frame, value_count) VALUES (?, ?)');
  const staged = db.prepare('SELECT frame, value_count AS valueCount FROM staged ORDER BY id');
  const unstage = db.prepare('DELETE FROM staged');
  const within = db.prepare(
    `SELECT id FROM item WHERE epoch = ? AND kind IN ('batch', 'gap')
     AND to_seq BETWEEN ? AND ? AND from_seq >= ?`,
  );
  const sealsWithin = db.prepare(
    `SELECT id FROM item WHERE epoch = ? AND kind = 'seal' AND to_seq BETWEEN ? AND ?`,
  );
  const gapUpTo = db.prepare(
    `SELECT ${HEADER} FROM item WHERE epoch = ? AND kind = 'gap' AND to_seq = ?`,
  );
  const madeBefore = db.prepare(
    `SELECT id FROM item WHERE created_at_ms < ? ORDER BY created_at_ms DESC, id DESC LIMIT 1`,
  );
  const oldest = db.prepare('SELECT min(created_at_ms) AS atMs FROM item');
  const oldestOf = db.prepare(
    `SELECT created_at_ms AS atMs FROM item WHERE epoch = ? AND kind = 'batch' ORDER BY to_seq LIMIT 1`,
  );
  const lastId = db.prepare(`SELECT seq FROM sqlite_sequence WHERE name = 'item'`);
  const lastCommand = db.prepare('SELECT last_command_at_ms AS atMs FROM state');
  const putLastCommand = db.prepare('UPDATE state SET last_command_at_ms = ?');
  const insertEpoch = db.prepare(
    `INSERT INTO epoch (epoch, reason, opened_at_ms, head_seq, head_hash, head_at_ms, sealed_seq)
     VALUES (?, ?, ?, 0, ?, ?, 0)`,
  );
  const lastEpoch = db.prepare(
    `SELECT epoch, opened_at_ms AS openedAtMs, head_seq AS headSeq, head_hash AS headHash, head_at_ms AS headAtMs,
     sealed_seq AS sealedSeq FROM epoch ORDER BY ordinal DESC LIMIT 1`,
  );
  const moveHead = db.prepare(
    'UPDATE epoch SET head_seq = ?, head_hash = ?, head_at_ms = ? WHERE epoch = ?',
  );
  const moveSealed = db.prepare('UPDATE epoch SET sealed_seq = ? WHERE epoch = ?');
  const putPosition = db.prepare(
    `INSERT INTO position VALUES (?, ?)
     ON CONFLICT (device) DO UPDATE SET last_at_ms = excluded.last_at_ms`,
  );
  const position = db.prepare('SELECT last_at_ms AS atMs FROM position WHERE device = ?');
  const lastPosition = db.prepare('SELECT max(last_at_ms) AS atMs FROM position');

  const idsOf = (rows: readonly unknown[]): number[] =>
    (rows as { id: number }[]).map((row) => row.id);
  const atMsOf = (row: unknown): number | null => (row as { atMs: number | null }).atMs;

  return {
    insertItem(item: ItemHeader, payload: Uint8Array): void {
      const { kind, epoch, from, to, createdAtMs, prev, hash } = item;
      const { bytes, isPacked } = packPayload(payload);
      const size = bytes.byteLength + ROW_BYTES;
      const header = [kind, epoch, from, to, createdAtMs, prev, hash] as const;
      insertItem.run(...header, size, bytes, Number(isPacked), Number(item.feedsRule));
      addHeld.run(size, 1);
    },
    deleteItem(id: number): void {
      const row = deleteItem.get(id) as { sizeBytes: number } | undefined;
      if (row !== undefined) addHeld.run(-row.sizeBytes, -1);
    },
    held: () => held.get() as { bytes: number; items: number },
    batchesInOrder: () => batchesInOrder.iterate() as IterableIterator<unknown>,
    /** Batches of metrics that feed no rule. */
    spareInOrder: () => spareInOrder.iterate() as IterableIterator<unknown>,
    nextItem: (afterId: number, beforeId: number) => itemOf(nextItem.get(afterId, beforeId)),
    item: (id: number) => itemOf(oneItem.get(id)),
    stage({ frame, valueCount }: StagedFrame): void {
      stage.run(frame, valueCount);
    },
    staged: () => staged.all() as unknown as StagedFrame[],
    unstage(): void {
      unstage.run();
    },
    /** Batches and gaps that lie wholly in the range. */
    idsWithin: (epoch: Ulid, from: number, to: number) => idsOf(within.all(epoch, from, to, from)),
    sealIdsWithin: (epoch: Ulid, from: number, to: number) =>
      idsOf(sealsWithin.all(epoch, from, to)),
    gapUpTo: (epoch: Ulid, to: number) =>
      (gapUpTo.get(epoch, to) as StoredHeader | undefined) ?? null,
    lastIdMadeBefore: (timeMs: number) => idsOf(madeBefore.all(timeMs))[0] ?? 0,
    oldestAtMs: () => atMsOf(oldest.get()),
    /** Of the batches of an epoch. */
    oldestAtMsOf(epoch: Ulid): number | null {
      const row = oldestOf.get(epoch);
      return row === undefined ? null : atMsOf(row);
    },
    lastCommandAtMs: () => atMsOf(lastCommand.get()) ?? 0,
    putLastCommandAtMs(atMs: number): void {
      putLastCommand.run(atMs);
    },
    lastId: () => (lastId.get() as { seq: number } | undefined)?.seq ?? 0,
    insertEpoch(epoch: Ulid, reason: string, nowMs: number, headHash: Sha256Hex): void {
      insertEpoch.run(epoch, reason, nowMs, headHash, nowMs);
    },
    lastEpoch: () => (lastEpoch.get() as EpochRow | undefined) ?? null,
    moveHead(epoch: Ulid, seq: number, hash: Sha256Hex, atMs: number): void {
      moveHead.run(seq, hash, atMs, epoch);
    },
    moveSealed(epoch: Ulid, seq: number): void {
      moveSealed.run(seq, epoch);
    },
    putPosition(device: DeviceId, lastAtMs: number): void {
      putPosition.run(device, lastAtMs);
    },
    positionOf(device: DeviceId): number | null {
      const row = position.get(device);
      return row === undefined ? null : atMsOf(row);
    },
    lastPositionMs: () => atMsOf(lastPosition.get()),
  };
}

function itemOf(row: unknown): StoredItem | null {
  if (row === undefined) return null;
  const { packed, ...item } = row as StoredHeader & { payload: Uint8Array; packed: number };
  return { ...item, payload: packed === 1 ? unpackPayload(item.payload) : item.payload };
}

export type SpoolStatements = ReturnType<typeof prepareStatements>;
