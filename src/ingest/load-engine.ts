import type { Kysely } from 'kysely';
import type { Database } from '../database/schema.ts';
import { fail, ok, type Result } from '../model/result.ts';
import type { Logger } from '../process/log.ts';
import { checkpointsOf, type ListedPiece, readCheckpointList, readPieces } from './checkpoints.ts';
import type { Engine, EngineKit } from './engine-kit.ts';

/** Bytes of pieces read at once; twice as many are in memory. */
const READ_BYTES_MAX = 8 << 20;

/** An engine and what of its state is in the database already. */
export interface LoadedEngine {
  readonly engine: Engine;
  /** Pieces of its checkpoint; none: it is new. */
  readonly pieces: readonly ListedPiece[];
  /** A later checkpoint was damaged: pieces that this one doesn't name may be. */
  readonly isDamaged: boolean;
}

export interface LoadOptions {
  readonly log: Logger;
  /** A checkpoint can't be used; an earlier one is tried. */
  readonly onRefused: (reason: string) => void;
}

/**
 * The engine as of the latest checkpoint at or before `cursorPos` that is whole and of this build and
 * settings; without one a new engine, which the journal is replayed into from its start.
 */
export async function loadEngine(
  db: Kysely<Database>,
  shard: string,
  cursorPos: number,
  kit: EngineKit,
  { log, onRefused }: LoadOptions,
): Promise<LoadedEngine> {
  let isDamaged = false;
  for (const pos of await checkpointsOf(db, shard)) {
    if (pos > cursorPos) continue;
    const startedMs = performance.now();
    const restored = await restore(db, shard, pos, kit);
    if (restored.ok) {
      const tookMs = Math.round(performance.now() - startedMs);
      log.info({ pos, pieces: restored.value.pieces.length, tookMs }, 'restored a checkpoint');
      return { ...restored.value, isDamaged };
    }
    const { reason, detail } = restored;
    log.warn({ pos, reason, detail }, 'cannot use a checkpoint, going back further');
    onRefused(reason);
    isDamaged ||= reason === 'damaged';
  }
  if (cursorPos > 0) log.warn({ cursorPos }, 'no usable checkpoint: replaying the journal');
  return { engine: kit.create(), pieces: [], isDamaged };
}

async function restore(
  db: Kysely<Database>,
  shard: string,
  pos: number,
  kit: EngineKit,
): Promise<Result<Omit<LoadedEngine, 'isDamaged'>>> {
  const list = await readCheckpointList(db, shard, pos, kit);
  if (!list.ok) return list;
  const restorer = kit.restorer();
  const parts = partsOf(list.value);
  const read = (part: number) => readPieces(db, shard, parts[part] ?? []);
  // The next part is read while one is taken.
  let next = read(0);
  for (const [i, part] of parts.entries()) {
    const bytesOf = await next;
    next = read(i + 1);
    next.catch(() => undefined);
    for (const piece of part) {
      const bytes = bytesOf(piece);
      if (bytes === undefined) return fail('damaged', `its piece ${piece.name}`);
      const taken = restorer.take(piece.name, bytes);
      if (!taken.ok) return taken;
    }
  }
  const engine = restorer.engine();
  if (!engine.ok) return engine;
  if (engine.value.pos !== pos) return fail('damaged', `it is of position ${engine.value.pos}`);
  return ok({ engine: engine.value, pieces: list.value });
}

/** The list in parts of a bounded size. */
function partsOf(pieces: readonly ListedPiece[]): readonly (readonly ListedPiece[])[] {
  const parts: ListedPiece[][] = [];
  let bytes = Number.POSITIVE_INFINITY;
  for (const piece of pieces) {
    if (bytes + piece.bytes > READ_BYTES_MAX) {
      parts.push([]);
      bytes = 0;
    }
    parts.at(-1)!.push(piece);
    bytes += piece.bytes;
  }
  return parts;
}
