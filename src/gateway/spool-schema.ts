import { existsSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import type { GatewayId } from '../model/ids.ts';
import { ConfigError } from '../process/config-file.ts';
import { makeFolderOf } from '../process/make-folder.ts';

/** Written into the file; a spool of another version is not opened. */
const SCHEMA_VERSION = 3;

/**
 * `item`: what waits for the hub's ack, in the order of its making; ids are never used again.
 * `epoch`: every epoch with its chain head. `position`: the last `at` of each device.
 * `state`: bytes held, which file this is and whose, and the last command obeyed. `staged`: frames of metrics that feed no rule, until
 * a batch of them is made.
 */
const SCHEMA = `
  CREATE TABLE item (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL CHECK (kind IN ('batch', 'gap', 'seal')),
    epoch TEXT NOT NULL,
    from_seq INTEGER NOT NULL,
    to_seq INTEGER NOT NULL,
    created_at_ms INTEGER NOT NULL,
    prev TEXT NOT NULL,
    hash TEXT NOT NULL,
    size_bytes INTEGER NOT NULL,
    payload BLOB NOT NULL,
    packed INTEGER NOT NULL DEFAULT 0,
    feeds_rule INTEGER NOT NULL DEFAULT 1
  ) STRICT;
  CREATE INDEX item_by_seq ON item (epoch, kind, to_seq);
  CREATE INDEX item_by_time ON item (created_at_ms, id);
  CREATE TABLE epoch (
    ordinal INTEGER PRIMARY KEY AUTOINCREMENT,
    epoch TEXT NOT NULL UNIQUE,
    reason TEXT NOT NULL,
    opened_at_ms INTEGER NOT NULL,
    head_seq INTEGER NOT NULL,
    head_hash TEXT NOT NULL,
    head_at_ms INTEGER NOT NULL,
    sealed_seq INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE position (device TEXT PRIMARY KEY, last_at_ms INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE state (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    held_bytes INTEGER NOT NULL,
    held_items INTEGER NOT NULL,
    inode TEXT NOT NULL
  ) STRICT;
  INSERT INTO state VALUES (1, 0, 0, '');
`;

/** What version 2 added. */
const SINCE_2 = `
  CREATE INDEX batch ON item (id) WHERE kind = 'batch';
  CREATE INDEX spare_batch ON item (id) WHERE kind = 'batch' AND feeds_rule = 0;
  CREATE TABLE staged (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    frame TEXT NOT NULL,
    value_count INTEGER NOT NULL
  ) STRICT;
`;

/** What version 3 added. */
const SINCE_3 = `
  ALTER TABLE state ADD COLUMN gateway TEXT NOT NULL DEFAULT '';
  ALTER TABLE state ADD COLUMN last_command_at_ms INTEGER NOT NULL DEFAULT 0;
  PRAGMA user_version = ${SCHEMA_VERSION};
`;

const FROM_1_TO_2 = `
  ALTER TABLE item ADD COLUMN packed INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE item ADD COLUMN feeds_rule INTEGER NOT NULL DEFAULT 1;
  ${SINCE_2}
`;

/** Steps from each older version to the present one. */
const MIGRATIONS: Readonly<Record<number, string>> = {
  1: `${FROM_1_TO_2} ${SINCE_3}`,
  2: SINCE_3,
};

export type SpoolOrigin = 'opened' | 'made' | 'restored' | 'damaged' | 'foreign';

/**
 * Opens the spool's database, or makes it. It stays locked by this process. A file that is no
 * database, of no known version, was found damaged, or belongs to another gateway is put aside as
 * `….damaged-{ms}` or `….of-{gateway}-{ms}` and a new one made: what was in it is lost to the gateway,
 * and kept for the operator. `restored`: it is not the file it was when it was last written, so batches
 * may have been made after this copy. Throws `ConfigError` when the file can't be used now.
 */
export function openSpoolDatabase(
  file: string,
  gateway: GatewayId,
  nowMs: number,
): { readonly db: DatabaseSync; readonly origin: SpoolOrigin } {
  makeFolderOf(file);
  const { db, origin } = openAny(file, gateway, nowMs);
  const inode = String(statSync(file, { bigint: true }).ino);
  const isOther = db.prepare('SELECT inode FROM state').get()?.['inode'] !== inode;
  db.prepare('UPDATE state SET inode = ?, gateway = ?').run(inode, gateway);
  return { db, origin: origin === 'opened' && isOther ? 'restored' : origin };
}

function openAny(
  file: string,
  gateway: GatewayId,
  nowMs: number,
): { readonly db: DatabaseSync; readonly origin: SpoolOrigin } {
  if (!existsSync(file)) return { db: openNew(file), origin: 'made' };
  const existing = wasFoundDamaged(file) ? null : openExisting(file);
  if (existing === null) {
    putAside(file, `damaged-${nowMs}`);
    return { db: openNew(file), origin: 'damaged' };
  }
  // Of a version before 3 nobody knows whose it was.
  const { db, owner } = existing;
  if (owner === '' || owner === gateway) return { db, origin: 'opened' };
  db.close();
  putAside(file, `of-${owner}-${nowMs}`);
  return { db: openNew(file), origin: 'foreign' };
}

function configure(db: DatabaseSync): void {
  db.exec('PRAGMA locking_mode = EXCLUSIVE');
  db.exec('PRAGMA journal_mode = WAL');
  // FULL: a commit is on the disk when it returns, also after a power cut.
  db.exec('PRAGMA synchronous = FULL');
  db.exec(`PRAGMA journal_size_limit = ${64 * 1024 * 1024}`);
}

function openNew(file: string): DatabaseSync {
  const db = openFile(file);
  try {
    make(db);
    return db;
  } catch (error) {
    db.close();
    throw openFault(file, error);
  }
}

function make(db: DatabaseSync): void {
  configure(db);
  db.exec(`BEGIN; ${SCHEMA} ${SINCE_2} ${SINCE_3} COMMIT;`);
}

/** SQLite result codes: the file is damaged, or no database. */
const DAMAGE_CODES: ReadonlySet<number> = new Set([11, 26]);
const DISK_FULL_CODE = 13;

const codeOf = (error: unknown): number => ((error as { errcode?: number }).errcode ?? 0) & 0xff;

export const isDiskFull = (error: unknown): boolean => codeOf(error) === DISK_FULL_CODE;
export const isDamage = (error: unknown): boolean => DAMAGE_CODES.has(codeOf(error));

/** Why a file can't be opened now, by SQLite's result code. */
const OPEN_FAULTS: Readonly<Record<number, string>> = {
  3: 'permission denied',
  5: 'another process holds it (database is locked): a spool belongs to one gateway process',
  8: 'it can only be read: look at the permissions, and whether the disk is mounted read-only',
  10: 'the disk reports an error: a card at the end of its life does so first',
  13: 'the disk is full',
  14: 'it or its folder may not be opened: look at the permissions',
};

/** What the gateway can't begin without; damage in it shows at once. */
const BEGINNING = ['SELECT * FROM epoch', 'SELECT * FROM position', 'SELECT max(id) FROM item'];

/** Null when the file can't be used for good. */
function openExisting(file: string): { readonly db: DatabaseSync; readonly owner: string } | null {
  const db = openFile(file);
  try {
    configure(db);
    const version = Number(db.prepare('PRAGMA user_version').get()?.['user_version']);
    const migration = MIGRATIONS[version];
    if (migration !== undefined) db.exec(`BEGIN; ${migration} COMMIT;`);
    if (migration === undefined && version !== SCHEMA_VERSION) {
      db.close();
      return null;
    }
    for (const sql of BEGINNING) db.prepare(sql).all();
    return { db, owner: String(db.prepare('SELECT gateway FROM state').get()?.['gateway'] ?? '') };
  } catch (error) {
    db.close();
    if (isDamage(error)) return null;
    throw openFault(file, error);
  }
}

function openFile(file: string): DatabaseSync {
  try {
    return new DatabaseSync(file);
  } catch (error) {
    throw openFault(file, error);
  }
}

const openFault = (file: string, error: unknown): ConfigError =>
  new ConfigError(file, [OPEN_FAULTS[codeOf(error)] ?? (error as Error).message]);

const markOf = (file: string): string => `${file}.is-damaged`;

/** A damage that shows while the spool is open: the next start puts it aside. */
export const markDamaged = (file: string): void => writeFileSync(markOf(file), '');

const wasFoundDamaged = (file: string): boolean => existsSync(markOf(file));

function putAside(file: string, suffix: string): void {
  for (const part of ['', '-wal', '-shm']) {
    if (existsSync(`${file}${part}`)) renameSync(`${file}${part}`, `${file}.${suffix}${part}`);
  }
  rmSync(markOf(file), { force: true });
}

/**
 * The latest `at` of any device in a spool that no process holds; null when there is none. The demo's
 * virtual clock goes on from it.
 */
export function readSpoolPosition(file: string): number | null {
  if (!existsSync(file)) return null;
  const existing = openExisting(file);
  if (existing === null) return null;
  const { db } = existing;
  try {
    const lastAtMs = db.prepare('SELECT max(last_at_ms) AS last FROM position').get()?.['last'];
    return typeof lastAtMs === 'number' ? lastAtMs : null;
  } finally {
    db.close();
  }
}
