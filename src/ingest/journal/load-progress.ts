import type pg from 'pg';
import type { EpochState } from './epoch-progress.ts';
import type { HeaderRow } from './header.ts';
import type { Progress } from './progress.ts';
import { readHeader } from './read-block.ts';

/** Entries behind the head whose hashes are remembered at the start: redeliveries after a crash. */
const REMEMBERED_MAX = 50_000;
const BLOCKS_PER_PAGE = 64;

/** Epochs of a gateway whose rows are loaded, the newest ones; others are looked up when needed. */
const NEWEST_LOADED = 64;

interface ProgressRow extends EpochState {
  readonly gateway: string;
  readonly epoch: string;
  /** Place among the gateway's epochs, the newest first. */
  readonly place: number;
}

/**
 * Fills the memory mirror: the rows of `telemetry.gateway_progress` as of the cursor `progress`, then
 * the headers of all blocks behind it. The rows are written once a second, in the transaction of a
 * block; what came after them is in the blocks' own headers, so nothing depends on their age.
 */
export async function loadProgress(
  pool: pg.Pool,
  shard: string,
  headPos: number,
  progress: Progress,
): Promise<void> {
  const cursor = await pool.query<{ pos: number }>(
    `select pos from telemetry.sink_cursor where shard = $1 and name = 'progress'`,
    [shard],
  );
  const knownPos = cursor.rows[0]?.pos ?? 0;
  const fromPos = Math.min(knownPos, Math.max(0, headPos - REMEMBERED_MAX));
  const headers = await readHeaders(pool, shard, fromPos, headPos);
  for (const row of await readProgress(pool, shard, headers)) {
    if (row.place > NEWEST_LOADED) progress.known.markPartial(row.gateway);
    progress.restore(row.gateway, row.epoch, row);
  }
  for (const row of headers) apply(progress, row, row.pos > knownPos);
  progress.commit();
}

async function readHeaders(
  pool: pg.Pool,
  shard: string,
  fromPos: number,
  headPos: number,
): Promise<HeaderRow[]> {
  const headers: HeaderRow[] = [];
  let after = fromPos;
  while (after < headPos) {
    const page = await pool.query<{ header: Buffer; pos_to: number }>(
      `select header, pos_to from telemetry.block
       where shard = $1 and pos_from > $2 order by pos_from limit ${BLOCKS_PER_PAGE}`,
      [shard, after],
    );
    if (page.rows.length === 0) break;
    for (const block of page.rows) headers.push(...readHeader(block.header));
    after = page.rows.at(-1)?.pos_to as number;
  }
  return headers;
}

/** Rows of the newest epochs, of those with something unsettled, and of those that the headers name. */
async function readProgress(
  pool: pg.Pool,
  shard: string,
  headers: readonly HeaderRow[],
): Promise<ProgressRow[]> {
  const named = new Map(
    headers
      .filter(({ gateway, epoch }) => gateway !== null && epoch !== null)
      .map((row) => [`${row.gateway} ${row.epoch}`, row]),
  );
  const { rows } = await pool.query<ProgressRow>(
    `select gateway, epoch, durable, stored, sealed, place from (
       select *, row_number() over (partition by gateway order by epoch collate "C" desc) as place
       from telemetry.gateway_progress where shard = $1
     ) as row
     where place <= ${NEWEST_LOADED + 1} or stored <> '[]'
       or (gateway, epoch) in (select * from unnest($2::text[], $3::text[]))`,
    [
      shard,
      [...named.values()].map(({ gateway }) => gateway),
      [...named.values()].map(({ epoch }) => epoch),
    ],
  );
  return rows;
}

function apply(progress: Progress, row: HeaderRow, settle: boolean): void {
  const { gateway, epoch, seq, to, sha256, conflict } = row;
  if (gateway === null) return;
  if (row.kind === 'seal') {
    if (epoch !== null && seq !== null) progress.settleSeal(gateway, epoch, seq, sha256);
    return;
  }
  if (row.kind !== 'gap') progress.remember({ gateway, epoch, seq, sha256, conflict });
  if (settle && epoch !== null && seq !== null) progress.settle(gateway, epoch, seq, to ?? seq);
}
