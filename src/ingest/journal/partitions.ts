import type pg from 'pg';
import { DAY_MS } from '../../model/time.ts';

/** Days for which partitions stand ready: today and these many after it. */
const DAYS_AHEAD = 2;
const CHECK_EVERY_MS = 3_600_000;

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

/** Keeps partitions ahead of the clock; `onError` hears of a try that failed, the next is in an hour. */
export function keepPartitions(
  pool: pg.Pool,
  now: () => number,
  onError: (error: Error) => void,
): { close(): Promise<void> } {
  let making: Promise<void> | undefined;
  const timer = setInterval(() => {
    making ??= makePartitions(pool, now())
      .catch(onError)
      .finally(() => {
        making = undefined;
      });
  }, CHECK_EVERY_MS);
  return {
    async close() {
      clearInterval(timer);
      await making;
    },
  };
}
