import type pg from 'pg';
import { readHeader } from './read-block.ts';

/** Receive time of a shard's last entry, UTC ms; null: its journal is empty. */
export async function readLastReceiptMs(pool: pg.Pool, shard: string): Promise<number | null> {
  const { rows } = await pool.query<{ header: Buffer }>(
    'select header from telemetry.block where shard = $1 order by pos_from desc limit 1',
    [shard],
  );
  const last = rows[0] && readHeader(rows[0].header).at(-1);
  return last?.receivedAtMs ?? null;
}
