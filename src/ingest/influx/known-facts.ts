import type pg from 'pg';
import type { Fact } from '../../model/facts.ts';

export interface FactAt {
  readonly pos: number;
  readonly fact: Fact;
}

/** Projected facts of the positions `fromPos`–`toPos`, inclusive, in order. */
export async function readFacts(
  pool: pg.Pool,
  shard: string,
  fromPos: number,
  toPos: number,
): Promise<FactAt[]> {
  const { rows } = await pool.query<{
    pos: number;
    entity: string;
    id: string;
    valid_from_ms: number;
    value: unknown;
    source: unknown;
  }>(
    `select pos, entity, id, valid_from_ms, value, source from registry.fact
     where shard = $1 and pos between $2 and $3 order by pos`,
    [shard, fromPos, toPos],
  );
  // Checked when they came into the journal.
  return rows.map(({ pos, entity, id, valid_from_ms: validFromMs, value, source }) => ({
    pos,
    fact: { v: 1, entity, id, validFromMs, value, source } as Fact,
  }));
}
