import type pg from 'pg';

/** Cursors of the sink in `telemetry.sink_cursor`, both journal positions. */
export type CursorName = 'influx-readings' | 'influx-results';

/** Last position whose lines are written; 0: none. */
export async function readCursor(
  pool: pg.Pool,
  shard: string,
  name: CursorName | 'evaluator',
): Promise<number> {
  const { rows } = await pool.query<{ pos: number }>(
    'select pos from telemetry.sink_cursor where shard = $1 and name = $2',
    [shard, name],
  );
  return rows[0]?.pos ?? 0;
}

/** Never back: two hubs may write the same lines, and the one behind is no loss. */
export async function saveCursor(
  pool: pg.Pool,
  shard: string,
  name: CursorName,
  pos: number,
): Promise<void> {
  await pool.query(
    `insert into telemetry.sink_cursor as c (shard, name, pos) values ($1, $2, $3)
     on conflict (shard, name) do update set pos = greatest(c.pos, excluded.pos)`,
    [shard, name, pos],
  );
}

/** A sink that is off must not hold partitions of the journal; on again, it begins at the oldest. */
export async function dropCursors(pool: pg.Pool, shard: string): Promise<void> {
  const names: CursorName[] = ['influx-readings', 'influx-results'];
  await pool.query('delete from telemetry.sink_cursor where shard = $1 and name = any($2)', [
    shard,
    names,
  ]);
}

/** First position that is still in the journal; null: it is empty. */
export async function oldestPos(pool: pg.Pool, shard: string): Promise<number | null> {
  const { rows } = await pool.query<{ pos: number | null }>(
    'select min(pos_from) as pos from telemetry.block where shard = $1',
    [shard],
  );
  return rows[0]?.pos ?? null;
}
