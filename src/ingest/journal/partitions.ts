import type pg from 'pg';
import { DAY_MS } from '../../model/time.ts';

/** Days for which partitions stand ready: today and these many after it. */
const DAYS_AHEAD = 2;

/** Makes the partitions of `telemetry.block` for the UTC day of `nowMs` and the days after it. */
export async function makePartitions(pool: pg.Pool, nowMs: number): Promise<void> {
  for (let ahead = 0; ahead <= DAYS_AHEAD; ahead++) {
    const day = new Date(nowMs + ahead * DAY_MS).toISOString().slice(0, 10);
    const next = new Date(nowMs + (ahead + 1) * DAY_MS).toISOString().slice(0, 10);
    const name = `block_${day.replaceAll('-', '')}`;
    await pool.query(
      `create table if not exists telemetry.${name} partition of telemetry.block
       for values from ('${day}T00:00:00Z') to ('${next}T00:00:00Z')`,
    );
  }
}
