import type pg from 'pg';
import { DAY_MS } from '../../model/time.ts';

export interface RetentionSettings {
  /** Days that the journal is kept at least. */
  readonly journalDays: number;
  /** Days that minute cells are kept: they serve charts, nothing is judged from them. */
  readonly cellDays: number;
}

/** A partition that is old enough but still needed, and by what. */
export interface HeldPartition {
  readonly partition: string;
  readonly by: string;
}

export interface Dropped {
  readonly partitions: readonly string[];
  readonly held: readonly HeldPartition[];
}

/** Dropping waits this long for readers of the partition; the next try is in an hour. */
const LOCK_TIMEOUT = '2s';
const CELLS_PER_DELETE = 50_000;

/**
 * Drops the partitions of `telemetry.block` whose day ended more than `journalDays` ago, unless a
 * reader's cursor, a checkpoint to restart from or a copy of evidence still needs one. Throws what the
 * database throws.
 */
export async function dropOldPartitions(
  pool: pg.Pool,
  nowMs: number,
  { journalDays }: Pick<RetentionSettings, 'journalDays'>,
): Promise<Dropped> {
  const { rows } = await pool.query<{ name: string }>(
    `select c.relname as name from pg_inherits i join pg_class c on c.oid = i.inhrelid
     where i.inhparent = 'telemetry.block'::regclass order by c.relname`,
  );
  const old = rows
    .map(({ name }) => name)
    .filter((name) => dayEndMs(name) + journalDays * DAY_MS <= nowMs);
  const partitions: string[] = [];
  const held: HeldPartition[] = [];
  for (const partition of old) {
    const by = await holderOf(pool, partition);
    if (by !== null) held.push({ partition, by });
    else {
      await drop(pool, partition);
      partitions.push(partition);
    }
  }
  return { partitions, held };
}

/** End of the UTC day that a partition's name says, UTC ms; other tables never end. */
function dayEndMs(name: string): number {
  const day = /^block_(\d{4})(\d\d)(\d\d)$/.exec(name);
  if (day === null) return Number.POSITIVE_INFINITY;
  return Date.UTC(Number(day[1]), Number(day[2]) - 1, Number(day[3])) + DAY_MS;
}

async function holderOf(pool: pg.Pool, partition: string): Promise<string | null> {
  const { rows } = await pool.query<{ by: string }>(
    `with extent as (
       select shard, max(pos_to) as last_pos, min(at_min_ms) as at_min, max(at_max_ms) as at_max
       from telemetry.${partition} group by shard)
     select format('cursor %s of shard %s at %s', c.name, c.shard, c.pos) as by
     from extent e join telemetry.sink_cursor c using (shard) where c.pos < e.last_pos
     union all
     select format('no checkpoint of shard %s behind it', e.shard)
     from extent e where coalesce((select min(pos) from exposure.engine_checkpoint k
       where k.shard = e.shard), 0) < e.last_pos
     union all
     select format('evidence package %s waits to be copied', k.package_id)
     from extent e join enforcement.evidence_claim k using (shard)
     where k.state = 'waiting' and k.from_ms <= e.at_max and k.to_ms >= e.at_min
     limit 1`,
  );
  return rows[0]?.by ?? null;
}

async function drop(pool: pg.Pool, partition: string): Promise<void> {
  const client = await pool.connect();
  try {
    await client.query(`begin; set local lock_timeout = '${LOCK_TIMEOUT}'`);
    await client.query(`drop table telemetry.${partition}`);
    await client.query('commit');
    client.release();
  } catch (error) {
    client.release(error as Error);
    throw error;
  }
}

/** Deletes minute cells older than `cellDays`, a bounded number at once; gives how many. */
export async function deleteOldCells(
  pool: pg.Pool,
  nowMs: number,
  { cellDays }: Pick<RetentionSettings, 'cellDays'>,
): Promise<number> {
  const { rowCount } = await pool.query(
    `delete from telemetry.minute_cell where ctid = any(array(
       select ctid from telemetry.minute_cell where minute_ms < $1 limit ${CELLS_PER_DELETE}))`,
    [nowMs - cellDays * DAY_MS],
  );
  return rowCount ?? 0;
}
