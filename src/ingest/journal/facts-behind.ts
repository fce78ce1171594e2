import type pg from 'pg';
import type { Fact } from '../../model/facts.ts';
import { readHeader, readRaw, type StoredBlock } from './read-block.ts';

const BLOCKS_PER_PAGE = 64;

/**
 * Facts of a shard's journal behind a position, in order: those that stand in no projection yet. Only
 * blocks that hold one are read whole.
 */
export async function factsBehind(pool: pg.Pool, shard: string, pos: number): Promise<Fact[]> {
  const facts: Fact[] = [];
  for (let after = pos; ; ) {
    const { rows } = await pool.query<{ header: Buffer; pos_from: number; pos_to: number }>(
      `select header, pos_from, pos_to from telemetry.block
       where shard = $1 and pos_to > $2 order by pos_from limit ${BLOCKS_PER_PAGE}`,
      [shard, after],
    );
    const last = rows.at(-1);
    if (last === undefined) return facts;
    for (const { header, pos_from: posFrom } of rows) {
      if (!readHeader(header).some((row) => row.kind === 'fact' && row.pos > pos)) continue;
      facts.push(...(await factsOf(pool, shard, posFrom, pos)));
    }
    after = last.pos_to;
  }
}

async function factsOf(
  pool: pg.Pool,
  shard: string,
  posFrom: number,
  behind: number,
): Promise<Fact[]> {
  const { rows } = await pool.query<StoredBlock>(
    'select header, body from telemetry.block where shard = $1 and pos_from = $2',
    [shard, posFrom],
  );
  return rows.flatMap((block) =>
    readRaw(block)
      .filter(({ row }) => row.kind === 'fact' && row.pos > behind)
      // Checked when it came into the journal.
      .map(({ raw }) => JSON.parse(raw.toString()) as Fact),
  );
}
