import { closeSync, existsSync, fsyncSync, openSync, rmSync, statfsSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';

const CHUNK_BYTES = 1024 * 1024;
/**
 * A full disk takes no deletions either: SQLite writes them to its log first. So much is kept aside to
 * be given up then; the log and what it adds to the file are smaller.
 */
const BALLAST_BYTES = 16 * CHUNK_BYTES;
/** It is put (back) only where there is room for so many of it. */
const ROOM_FACTOR = 4;

/** Room on the disk that is held for the moment when there is none. */
export interface SpoolBallast {
  /** Gives it up; false: it is not there. */
  drop(): boolean;
  /** Puts it back when the disk has room again; true: it has, and it is there. */
  restore(): boolean;
}

/** Beside the spool, as `….ballast`. Without room it is left out, so that it never fills a disk. */
export function createSpoolBallast(spoolFile: string): SpoolBallast {
  const file = `${spoolFile}.ballast`;

  function hasRoom(): boolean {
    const { bavail, bsize } = statfsSync(dirname(spoolFile));
    return bavail * bsize >= BALLAST_BYTES * ROOM_FACTOR;
  }

  function restore(): boolean {
    if (existsSync(file)) return true;
    if (!hasRoom()) return false;
    const handle = openSync(file, 'wx', 0o600);
    try {
      // Written in full: a file with holes would hold no room.
      const chunk = Buffer.alloc(CHUNK_BYTES, 0xa5);
      for (let bytes = 0; bytes < BALLAST_BYTES; bytes += CHUNK_BYTES) writeSync(handle, chunk);
      fsyncSync(handle);
      return true;
    } catch (error) {
      rmSync(file, { force: true });
      throw error;
    } finally {
      closeSync(handle);
    }
  }

  return {
    drop() {
      if (!existsSync(file)) return false;
      rmSync(file);
      return true;
    },
    restore,
  };
}
