import type pg from 'pg';
import type { Fact } from '../../model/facts.ts';

/** A row of the journal as it stands, with its place in the hub's chain. */
export interface JournalBlock {
  readonly posFrom: number;
  readonly posTo: number;
  readonly prevHash: Buffer;
  readonly hash: Buffer;
  readonly header: Buffer;
  readonly body: Buffer;
}

/** What of a shard's journal is there to be read. */
export interface JournalExtent {
  /** First position still kept; 1 as long as no partition was dropped. */
  readonly fromPos: number;
  /** Last position of which the outputs are stored. */
  readonly toPos: number;
  /** Facts of positions before `fromPos`, ascending. */
  readonly facts: readonly { readonly pos: number; readonly fact: Fact }[];
}

/** Blocks read at once: with 4 MiB of raw bytes each, what a reader holds. */
const BLOCKS_PER_READ = 8;

/** Blocks of a shard up to and with the one that holds `toPos`, in their order. Throws when one is missing. */
export async function* readJournal(
  pool: pg.Pool,
  shard: string,
  { fromPos, toPos }: Pick<JournalExtent, 'fromPos' | 'toPos'>,
): AsyncGenerator<JournalBlock, void, void> {
  for (let next = fromPos; next <= toPos; ) {
    const { rows } = await pool.query<JournalBlock>(
      `select pos_from as "posFrom", pos_to as "posTo", prev_hash as "prevHash", hash, header, body
         from telemetry.block where shard = $1 and pos_from >= $2 and pos_from <= $3
         order by pos_from limit ${BLOCKS_PER_READ}`,
      [shard, next, toPos],
    );
    for (const block of rows) {
      if (block.posFrom !== next) break;
      next = block.posTo + 1;
      yield block;
    }
    if (rows[0]?.posFrom === undefined || next <= rows[0].posFrom) {
      throw new Error(`The journal has a hole: entry ${next} of ${toPos} is missing`);
    }
  }
}

/** What of the journal can be replayed, so that it can be compared with what is stored. */
export async function journalExtent(pool: pg.Pool, shard: string): Promise<JournalExtent> {
  const { rows } = await pool.query<{ fromPos: number | null; toPos: number | null }>(
    `select (select min(pos_from) from telemetry.block where shard = $1) as "fromPos",
            (select pos from telemetry.sink_cursor
               where shard = $1 and name = 'evaluator') as "toPos"`,
    [shard],
  );
  const fromPos = rows[0]?.fromPos ?? 1;
  return { fromPos, toPos: rows[0]?.toPos ?? 0, facts: await factsBefore(pool, shard, fromPos) };
}

/** Facts outlive the partition that their entry stood in. */
async function factsBefore(
  pool: pg.Pool,
  shard: string,
  pos: number,
): Promise<JournalExtent['facts']> {
  const { rows } = await pool.query<Omit<Fact, 'v'> & { pos: number }>(
    `select pos, entity, id, valid_from_ms as "validFromMs", value, source from registry.fact
       where shard = $1 and pos < $2 order by pos`,
    [shard, pos],
  );
  return rows.map(({ pos: at, ...fact }) => ({ pos: at, fact: { v: 1, ...fact } as Fact }));
}
