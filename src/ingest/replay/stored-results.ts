import type pg from 'pg';
import type { KeptResult, ShiftRange } from './last-results.ts';

/** The last stored revision of a rule and shift. */
export interface StoredResult {
  readonly resultKey: string;
  readonly revision: number;
  readonly resultHash: string;
}

/** How a replay stands against what is stored. */
export interface StoredComparison {
  readonly same: number;
  /** Keys whose last revision, or its number, isn't the stored one; `null`: there is none. */
  readonly differing: readonly {
    readonly resultKey: string;
    readonly stored: StoredResult | null;
    readonly replayed: KeptResult | null;
  }[];
}

/** Compares what a replay up to `toPos` gave with what is stored of the same shifts, hash for hash. */
export async function compareWithStored(
  pool: pg.Pool,
  { shard, toPos, range }: { shard: string; toPos: number; range: ShiftRange },
  replayed: ReadonlyMap<string, KeptResult>,
): Promise<StoredComparison> {
  const { rows } = await pool.query<StoredResult>(
    `select distinct on (result_key) result_key as "resultKey", revision,
            result_hash as "resultHash"
       from exposure.window_result
       where shard = $1 and shift_start_ms >= $2 and shift_start_ms < $3 and pos <= $4
       order by result_key, revision desc`,
    [shard, range.fromMs, range.untilMs, toPos],
  );
  const stored = new Map(rows.map((row) => [row.resultKey, row]));
  const keys = [...new Set([...stored.keys(), ...replayed.keys()])];
  const pairs = keys.map((resultKey) => ({
    resultKey,
    stored: stored.get(resultKey) ?? null,
    replayed: replayed.get(resultKey) ?? null,
  }));
  const differing = pairs.filter(
    ({ stored: a, replayed: b }) => a?.resultHash !== b?.resultHash || a?.revision !== b?.revision,
  );
  return { same: keys.length - differing.length, differing };
}
