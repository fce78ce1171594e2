import type { GatewayId } from '../model/ids.ts';
import type { GapMessage } from '../telemetry/messages.ts';
import { type SigningKey, signMessage } from '../telemetry/signing.ts';
import { type BatchRun, oldestRun, oldestSpareRun } from './spool-runs.ts';
import type { SpoolStatements, StoredHeader } from './spool-statements.ts';

/** When the spool is full, so much of it goes at once: one gap instead of one for each batch. */
const FREED_SHARE = 0.05;
/** But not more, so that polling is not held up by deleting. */
const FREED_BYTES_MAX = 1024 * 1024;

export interface SpoolBounds {
  /** Batches go; the signed gap in their place says that they never come, and carries the chain. */
  giveUp(run: BatchRun, reason: GapMessage['reason'], nowMs: number): void;
  /** Makes room and lets go what is too old. Inside a transaction. */
  keep(nowMs: number): void;
  /** The disk is full with what is held: less is held from now on, until `null`. */
  limitTo(bytes: number | null): void;
  /** The bytes that may be held now. */
  bytesMax(): number;
  /** The item was handed out, so it may have been sent: it stays as it is from now on. */
  onShown(id: number): void;
  onDeleted(id: number): void;
  batchesGivenUp(): number;
}

/** What a full spool gives up: first batches that feed no rule, then the oldest; each as a gap. */
export function createSpoolBounds(settings: {
  readonly sql: SpoolStatements;
  readonly gateway: GatewayId;
  readonly key: SigningKey;
  readonly bytesMax: number;
  readonly ageMsMax: number;
}): SpoolBounds {
  const { sql, gateway, key } = settings;
  let { bytesMax } = settings;
  const idAtOpening = sql.lastId();
  /** Gaps that were handed out, so perhaps sent, or have another reason: they stay as they are. */
  const shownGaps = new Set<number>();
  let batchesGivenUp = 0;

  function giveUp(run: BatchRun, reason: GapMessage['reason'], nowMs: number): void {
    const { epoch } = run.first;
    const { to, hash } = run.last;
    for (const id of run.ids) sql.deleteItem(id);
    // A gap that nobody has seen yet grows; one that may be on its way keeps its bytes.
    const before = sql.gapUpTo(epoch, run.first.from - 1);
    const grows =
      reason === 'spool-full' &&
      before !== null &&
      before.id > idAtOpening &&
      !shownGaps.has(before.id);
    if (grows) sql.deleteItem(before.id);
    const { from, prev } = grows ? before : run.first;
    for (const id of sql.sealIdsWithin(epoch, from, to)) sql.deleteItem(id);
    const message = { v: 1, gateway, epoch, from, to, reason, prev, hash };
    const payload = Buffer.from(JSON.stringify(signMessage(message, key)));
    const header = { epoch, from, to, createdAtMs: nowMs, prev, hash };
    sql.insertItem({ kind: 'gap', ...header, feedsRule: true }, payload);
    if (reason !== 'spool-full') shownGaps.add(sql.lastId());
    batchesGivenUp += run.ids.length;
  }

  function makeRoom(nowMs: number): void {
    if (sql.held().bytes <= bytesMax) return;
    const targetBytes = bytesMax - Math.min(bytesMax * FREED_SHARE, FREED_BYTES_MAX);
    for (let over = sql.held().bytes - targetBytes; over > 0; ) {
      const wants = (_: unknown, bytesBefore: number): boolean => bytesBefore < over;
      const run = oldestSpareRun(sql, wants) ?? oldestRun(sql, wants);
      // Only gaps and seals are left; they are small, and nothing else speaks for what is lost.
      if (run === null) return;
      giveUp(run, 'spool-full', nowMs);
      over = sql.held().bytes - targetBytes;
    }
  }

  function letGoOld(nowMs: number): void {
    const current = sql.lastEpoch();
    if (current === null) return;
    const madeBeforeMs = nowMs - settings.ageMsMax;
    // Ages compare within an epoch only: a clock that jumps ahead must not empty the spool. What is of an
    // epoch before is at least as old as the present one.
    const isOld = ({ epoch, createdAtMs }: StoredHeader): boolean =>
      (epoch === current.epoch ? createdAtMs : current.openedAtMs) < madeBeforeMs;
    const run = oldestRun(sql, isOld);
    if (run !== null) giveUp(run, 'spool-full', nowMs);
  }

  return {
    giveUp,
    keep(nowMs) {
      makeRoom(nowMs);
      letGoOld(nowMs);
    },
    limitTo(bytes) {
      bytesMax = Math.min(bytes ?? Number.POSITIVE_INFINITY, settings.bytesMax);
    },
    bytesMax: () => bytesMax,
    onShown: (id) => void shownGaps.add(id),
    onDeleted: (id) => void shownGaps.delete(id),
    batchesGivenUp: () => batchesGivenUp,
  };
}
