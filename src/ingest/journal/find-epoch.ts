import type pg from 'pg';
import type { EpochState } from './epoch-progress.ts';

/** What the database holds of an epoch that is not in memory; null: nothing came of it so far. */
export async function findEpoch(
  pool: pg.Pool,
  shard: string,
  gateway: string,
  epoch: string,
): Promise<EpochState | null> {
  const { rows } = await pool.query<EpochState>({
    name: 'find-epoch',
    text: `select durable, stored, sealed from telemetry.gateway_progress
      where shard = $1 and gateway = $2 and epoch = $3`,
    values: [shard, gateway, epoch],
  });
  return rows[0] ?? null;
}
