import { existsSync, mkdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

/** Written into the file; a spool of another version is not opened. */
const SCHEMA_VERSION = 2;

/**
 * `item`: what waits for the hub's ack, in the order of its making; ids are never used again.
 * `epoch`: every epoch with its chain head. `position`: the last `at` of each device.
 * `state`: bytes held, and which file this is. `staged`: frames of metrics that feed no rule, until
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
  PRAGMA user_version = ${SCHEMA_VERSION};
`;

const FROM_1_TO_2 = `
  ALTER TABLE item ADD COLUMN packed INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE item ADD COLUMN feeds_rule INTEGER NOT NULL DEFAULT 1;
  ${SINCE_2}
`;

export type SpoolOrigin = 'opened' | 'made' | 'restored' | 'damaged';

/**
 * Opens the spool's database, or makes it. It stays locked by this process. A file that is no
 * database or of no known version is put aside as `….damaged-{ms}` and a new one made: what was in it
 * is lost to the gateway, and kept for the operator. `restored`: it is not the file it was when it
 * was last written, so batches may have been made after this copy.
 */
export function openSpoolDatabase(
  file: string,
  nowMs: number,
): { readonly db: DatabaseSync; readonly origin: SpoolOrigin } {
  mkdirSync(dirname(file), { recursive: true });
  const existed = existsSync(file);
  let origin: SpoolOrigin = existed ? 'opened' : 'made';
  let db = existed ? openExisting(file) : openNew(file);
  if (db === null) {
    putAside(file, nowMs);
    db = openNew(file);
    origin = 'damaged';
  }
  const inode = String(statSync(file, { bigint: true }).ino);
  const known = db.prepare('SELECT inode FROM state').get()?.['inode'];
  if (origin === 'opened' && known !== inode) origin = 'restored';
  db.prepare('UPDATE state SET inode = ?').run(inode);
  return { db, origin };
}

function configure(db: DatabaseSync): void {
  db.exec('PRAGMA locking_mode = EXCLUSIVE');
  db.exec('PRAGMA journal_mode = WAL');
  // FULL: a commit is on the disk when it returns, also after a power cut.
  db.exec('PRAGMA synchronous = FULL');
  db.exec(`PRAGMA journal_size_limit = ${64 * 1024 * 1024}`);
}

function openNew(file: string): DatabaseSync {
  const db = new DatabaseSync(file);
  configure(db);
  db.exec(`BEGIN; ${SCHEMA} ${SINCE_2} COMMIT;`);
  return db;
}

/** SQLite result codes: the file is damaged, or no database. */
const DAMAGE_CODES: ReadonlySet<number> = new Set([11, 26]);

/** Null when the file can't be used. A lock held by another process is an error, not damage. */
function openExisting(file: string): DatabaseSync | null {
  const db = new DatabaseSync(file);
  try {
    configure(db);
    const version = db.prepare('PRAGMA user_version').get()?.['user_version'];
    if (version === 1) db.exec(`BEGIN; ${FROM_1_TO_2} COMMIT;`);
    if (version === 1 || version === SCHEMA_VERSION) return db;
    db.close();
    return null;
  } catch (error) {
    db.close();
    const { errcode } = error as { errcode?: number };
    if (errcode !== undefined && DAMAGE_CODES.has(errcode & 0xff)) return null;
    throw new Error(`Cannot open the spool ${file}: ${(error as Error).message}`, { cause: error });
  }
}

function putAside(file: string, nowMs: number): void {
  renameSync(file, `${file}.damaged-${nowMs}`);
  for (const suffix of ['-wal', '-shm']) rmSync(`${file}${suffix}`, { force: true });
}

/**
 * The latest `at` of any device in a spool that no process holds; null when there is none. The demo's
 * virtual clock goes on from it.
 */
export function readSpoolPosition(file: string): number | null {
  if (!existsSync(file)) return null;
  const db = openExisting(file);
  if (db === null) return null;
  try {
    const lastAtMs = db.prepare('SELECT max(last_at_ms) AS last FROM position').get()?.['last'];
    return typeof lastAtMs === 'number' ? lastAtMs : null;
  } finally {
    db.close();
  }
}
