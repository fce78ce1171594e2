import type pg from 'pg';
import { eventTimes } from './encode-block.ts';
import type { HeaderRow } from './header.ts';
import { readHeader } from './read-block.ts';
import type { Found, KeyedSubmission } from './submission.ts';

const PAGE = 32;

/**
 * Looks in older blocks for what stands under the key of a batch that is settled but no longer
 * remembered. Equal bytes have equal event times, so the few blocks of that time are looked at first;
 * only when these don't hold it, all blocks of the gateway are.
 */
export async function findStored(
  pool: pg.Pool,
  shard: string,
  gatewayNumber: number,
  submission: KeyedSubmission,
): Promise<Found> {
  if (submission.kind === 'batch') {
    const { atMinMs, atMaxMs } = eventTimes(submission.batch.frames);
    const inTime = await search(
      pool,
      `and at_min_ms <= $4 and at_max_ms >= $5`,
      [shard, gatewayNumber],
      [atMaxMs, atMinMs],
      submission,
    );
    if (inTime !== 'none') return inTime;
  }
  return search(pool, '', [shard, gatewayNumber], [], submission);
}

async function search(
  pool: pg.Pool,
  condition: string,
  [shard, gatewayNumber]: readonly [string, number],
  times: readonly number[],
  { gateway, epoch, seq, sha256 }: KeyedSubmission,
): Promise<Found> {
  let after = 0;
  let found: Found = 'none';
  for (;;) {
    const page = await pool.query<{ header: Buffer; pos_from: number }>(
      `select header, pos_from from telemetry.block
       where shard = $1 and gateways @> array[$2::int] and pos_from > $3 ${condition}
       order by pos_from limit ${PAGE}`,
      [shard, gatewayNumber, after, ...times],
    );
    for (const { header } of page.rows) {
      const holds = (row: HeaderRow): boolean =>
        row.gateway === gateway &&
        row.epoch === epoch &&
        row.seq === seq &&
        (row.kind === 'live' || row.kind === 'backfill' || row.kind === 'parked');
      for (const row of readHeader(header).filter(holds)) {
        if (row.sha256 === sha256) return 'same';
        found = 'other';
      }
    }
    const last = page.rows.at(-1);
    if (last === undefined || page.rows.length < PAGE) return found;
    after = last.pos_from;
  }
}
