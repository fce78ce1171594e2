import type { SpoolStatements, StoredHeader } from './spool-statements.ts';

/** Held batches of one epoch with adjacent seqs: what one gap can speak for. */
export interface BatchRun {
  readonly first: StoredHeader;
  readonly last: StoredHeader;
  readonly ids: readonly number[];
}

type Wants = (batch: StoredHeader, bytesBefore: number) => boolean;

/**
 * The oldest unbroken run of batches, as long as `wants` says so of each. Null when not even the
 * oldest is wanted, or none is held.
 */
export const oldestRun = (sql: SpoolStatements, wants: Wants): BatchRun | null =>
  runOf(sql.batchesInOrder(), wants);

/** The same among batches that feed no rule. */
export const oldestSpareRun = (sql: SpoolStatements, wants: Wants): BatchRun | null =>
  runOf(sql.spareInOrder(), wants);

function runOf(rows: Iterable<unknown>, wants: Wants): BatchRun | null {
  const ids: number[] = [];
  let first: StoredHeader | undefined;
  let last: StoredHeader | undefined;
  let bytes = 0;
  for (const row of rows) {
    const batch = row as StoredHeader;
    const follows =
      last === undefined || (batch.epoch === last.epoch && batch.from === last.to + 1);
    if (!follows || !wants(batch, bytes)) break;
    first ??= batch;
    last = batch;
    bytes += batch.sizeBytes;
    ids.push(batch.id);
  }
  return first === undefined || last === undefined ? null : { first, last, ids };
}
