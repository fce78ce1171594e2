import type { Kysely } from 'kysely';
import type { Database } from '../database/schema.ts';
import type { FaultPoint } from '../process/fault-point.ts';
import type { Logger } from '../process/log.ts';
import type { Piece, Snapshot } from '../thresholds/snapshot.ts';
import {
  compress,
  digestOfPiece,
  type KeptCheckpoint,
  type ListedPiece,
  type PackedPiece,
  readHeld,
  writeCheckpointList,
  writePieces,
} from './checkpoints.ts';
import type { EngineKit } from './engine-kit.ts';
import type { LoadedEngine } from './load-engine.ts';

export interface CheckpointWriterDeps {
  readonly db: Kysely<Database>;
  readonly shard: string;
  readonly token: number;
  readonly kit: EngineKit;
  readonly checkpoint: { readonly intervalMs: number; readonly entriesMin: number };
  readonly now: () => number;
  readonly faultPoint: FaultPoint;
  readonly log: Logger;
  readonly onCheckpoint: (written: WrittenCheckpoint) => void;
}

export interface WrittenCheckpoint {
  /** Of the whole state, and of the pieces that had changed, before compression. */
  readonly bytes: number;
  readonly writtenBytes: number;
  /** Copying the state, in which the engine waits; the longest time at once that the thread was held by it. */
  readonly copyMs: number;
  readonly heldMsMax: number;
  /** All of it. */
  readonly tookMs: number;
}

export interface CheckpointWriter {
  /** Whether it is time for one. */
  isDue(): boolean;
  /** Copies the engine's state in slices; it must not step before this ends. The rest goes on by itself. */
  take(): Promise<void>;
  /** Ends when nothing is being written. */
  settled(): Promise<void>;
  /** Writes a checkpoint of the engine as it is, unless the latest is. */
  saveLast(): Promise<void>;
}

/** The thread is given back after so long, to messages and acknowledgements. */
const SLICE_MS = 3;
/** Compressed bytes of pieces written at once. */
const WRITE_BYTES = 4 << 20;
/** Checkpoints may take this share of the time at most. */
const SHARE_MAX = 0.2;

/** What is known to be in the database; null: a try ended without an answer, it has to be read. */
type Book = { readonly held: Set<string>; readonly kept: readonly KeptCheckpoint[] } | null;

/**
 * Writes checkpoints beside the evaluation. `reached` ends when the outputs up to a position are committed:
 * only then a checkpoint may name it.
 */
export function createCheckpointWriter(
  deps: CheckpointWriterDeps,
  { engine, pieces, isDamaged }: LoadedEngine,
  reached: (pos: number) => Promise<void>,
): CheckpointWriter {
  const { db, log, now, kit, faultPoint } = deps;
  let book: Book = null;
  /** Digests in the database that nobody read since damage was found there: they are written again. */
  const suspect = new Set<string>();
  let isUnread = isDamaged;
  /** Of the last checkpoint that was stored or restored. */
  let known = new Map(pieces.map((piece) => [piece.name, piece]));
  let storedPos = engine.pos;
  let tried = { pos: engine.pos, atMs: now(), tookMs: 0 };
  let writing: Promise<void> | undefined;

  async function take(): Promise<void> {
    const startedMs = performance.now();
    const snapshot = engine.snapshot();
    const { copied, heldMsMax } = await copyPieces(snapshot);
    const copyMs = performance.now() - startedMs;
    tried = { pos: snapshot.pos, atMs: now(), tookMs: copyMs };
    writing = store(snapshot, copied)
      .then((sizes) => {
        const tookMs = performance.now() - startedMs;
        tried = { ...tried, tookMs };
        storedPos = snapshot.pos;
        snapshot.end(true);
        deps.onCheckpoint({ ...sizes, copyMs, heldMsMax, tookMs });
      })
      .catch((error: Error) => {
        book = null;
        snapshot.end(false);
        log.warn({ error: error.message, pos: snapshot.pos }, 'cannot write a checkpoint');
      })
      .finally(() => {
        writing = undefined;
      });
  }

  async function store(
    { pos }: Snapshot,
    copied: Piece[],
  ): Promise<Pick<WrittenCheckpoint, 'bytes' | 'writtenBytes'>> {
    book ??= await readBook();
    const { held } = book;
    const isSafe = (digest: string): boolean => held.has(digest) && !suspect.has(digest);
    const queued = new Set<string>();
    const listed: ListedPiece[] = [];
    let writtenBytes = 0;
    let group: PackedPiece[] = [];
    let groupBytes = 0;
    const flush = async (): Promise<void> => {
      if (group.length === 0) return;
      const full = group;
      group = [];
      groupBytes = 0;
      await writePieces(db, deps, full);
      for (const { digest } of full) {
        held.add(digest);
        suspect.delete(digest);
      }
      faultPoint('checkpoint:half-written');
    };
    // Taken from the end, so that what is written is let go.
    for (let piece = copied.pop(); piece !== undefined; piece = copied.pop()) {
      const before = piece.isStored ? known.get(piece.name) : undefined;
      if (before !== undefined && isSafe(before.digest)) {
        listed.push(before);
        continue;
      }
      const bytes = piece.bytes();
      const digest = digestOfPiece(bytes);
      listed.push({ name: piece.name, digest, bytes: bytes.byteLength });
      if (isSafe(digest) || queued.has(digest)) continue;
      queued.add(digest);
      const body = await compress(bytes);
      group.push({ digest, body });
      writtenBytes += bytes.byteLength;
      groupBytes += body.byteLength;
      if (groupBytes >= WRITE_BYTES) await flush();
    }
    await flush();
    listed.reverse();
    await reached(pos);
    const kept = await writeCheckpointList(db, deps, kit, { pos, pieces: listed }, book);
    book = { held, kept };
    known = new Map(listed.map((piece) => [piece.name, piece]));
    return { bytes: listed.reduce((sum, piece) => sum + piece.bytes, 0), writtenBytes };
  }

  async function readBook(): Promise<NonNullable<Book>> {
    const found = await readHeld(db, deps.shard);
    if (isUnread) {
      for (const digest of found.held) suspect.add(digest);
      for (const { digest } of pieces) suspect.delete(digest);
      isUnread = false;
    }
    return found;
  }

  return {
    isDue() {
      if (writing !== undefined || engine.pos - tried.pos < deps.checkpoint.entriesMin)
        return false;
      const { intervalMs } = deps.checkpoint;
      return now() - tried.atMs >= Math.max(intervalMs, tried.tookMs / SHARE_MAX);
    },
    take,
    settled: async () => writing,
    async saveLast() {
      await writing;
      if (engine.pos === storedPos) return;
      await take();
      await writing;
    },
  };
}

/** All pieces of a snapshot, a slice of time at a time. */
async function copyPieces(
  snapshot: Snapshot,
): Promise<{ readonly copied: Piece[]; readonly heldMsMax: number }> {
  const copied: Piece[] = [];
  let heldMsMax = 0;
  let sinceMs = performance.now();
  for (const piece of snapshot.pieces) {
    copied.push(piece);
    const heldMs = performance.now() - sinceMs;
    if (heldMs < SLICE_MS) continue;
    heldMsMax = Math.max(heldMsMax, heldMs);
    await new Promise<void>((next) => setImmediate(next));
    sinceMs = performance.now();
  }
  return { copied, heldMsMax: Math.max(heldMsMax, performance.now() - sinceMs) };
}
