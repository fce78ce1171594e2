import type pg from 'pg';
import type { EncodedBlock } from './encode-block.ts';
import type { EpochProgress } from './epoch-progress.ts';
import { JOURNAL_CHANNEL } from './journal-head.ts';

/**
 * One group commit in one round trip: the head moves only under the right token *and* from the
 * expected position; block and progress are written only if it did. One statement is one transaction.
 */
const HEAD = `
with head as (
  update telemetry.shard set pos = $5, head_hash = $8
  where shard = $1 and token = $2 and pos = $4::bigint - 1
  returning 1
)`;
const BLOCK = `
insert into telemetry.block
  (shard, pos_from, pos_to, committed_at, prev_hash, hash, header, body, gateways,
   at_min_ms, at_max_ms)
select $1, $4, $5, to_timestamp($3::double precision / 1000), $6, $8, $9, $7, $10, $11, $12
from head`;
/** Readers in other processes are woken once per group, when it is committed. */
const NOTIFY = `
select pg_notify('${JOURNAL_CHANNEL}', pos_to || ' ' || $1::text) from block`;
const INSERT_BLOCK = `${HEAD}, block as (${BLOCK} returning pos_to)${NOTIFY}`;

/** The same, and the progress of the epochs that changed since it was last written. */
const INSERT_BLOCK_AND_PROGRESS = `${HEAD}, block as (${BLOCK} returning pos_to
), progress as (
  insert into telemetry.gateway_progress
    (shard, gateway, epoch, durable, stored, sealed, updated_pos)
  select $1, p.gateway, p.epoch, p.durable, p.stored, p.sealed, block.pos_to
  from block, unnest($13::text[], $14::text[], $15::bigint[], $16::jsonb[], $17::bigint[])
    as p (gateway, epoch, durable, stored, sealed)
  on conflict (shard, gateway, epoch) do update
    set durable = excluded.durable, stored = excluded.stored, sealed = excluded.sealed,
        updated_pos = excluded.updated_pos
), cursor as (
  insert into telemetry.sink_cursor (shard, name, pos)
  select $1, 'progress', pos_to from block
  on conflict (shard, name) do update set pos = excluded.pos
)${NOTIFY}`;

export interface CommitArguments {
  readonly shard: string;
  readonly token: number;
  readonly committedAtMs: number;
  readonly block: EncodedBlock;
  readonly gatewayNumbers: readonly number[];
  /** Epochs whose rows are written along; empty: none this time. */
  readonly progress: readonly EpochProgress[];
}

/** True: committed. False: another token or position stands in the shard's row; nothing was written. */
export async function commitBlock(
  client: pg.PoolClient,
  { shard, token, committedAtMs, block, gatewayNumbers, progress }: CommitArguments,
): Promise<boolean> {
  const values: unknown[] = [
    shard,
    token,
    committedAtMs,
    block.posFrom,
    block.posTo,
    block.prevHash,
    block.body,
    block.hash,
    block.header,
    `{${gatewayNumbers.join(',')}}`,
    block.atMinMs,
    block.atMaxMs,
  ];
  if (progress.length === 0) {
    const plain = await client.query({ name: 'commit-block', text: INSERT_BLOCK, values });
    return plain.rowCount === 1;
  }
  // Names hold no character that an array literal would need to escape (model/ids.ts).
  values.push(
    `{${progress.map((epoch) => epoch.gateway).join(',')}}`,
    `{${progress.map((epoch) => epoch.epoch).join(',')}}`,
    `{${progress.map((epoch) => epoch.durable).join(',')}}`,
    `{${progress.map((epoch) => `"${JSON.stringify(epoch.stored)}"`).join(',')}}`,
    `{${progress.map((epoch) => epoch.sealed).join(',')}}`,
  );
  const full = await client.query({
    name: 'commit-block-and-progress',
    text: INSERT_BLOCK_AND_PROGRESS,
    values,
  });
  return full.rowCount === 1;
}
