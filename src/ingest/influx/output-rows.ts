import type pg from 'pg';
import type { ShiftResult } from '../../model/exposure.ts';

/** Minute cells and results that entries of the journal gave, for lines. */
export interface CellRow {
  readonly pos: number;
  readonly device: string;
  readonly metric: string;
  readonly minuteMs: number;
  readonly unit: string;
  readonly mean: number | null;
  readonly max: number | null;
  readonly coveredSeconds: number;
  readonly excludedSeconds: number;
}

/** What a line takes of a result. */
export type ResultRow = { readonly pos: number } & Pick<
  ShiftResult,
  | 'resultKey'
  | 'revision'
  | 'subject'
  | 'limit'
  | 'verdict'
  | 'basis'
  | 'window'
  | 'uncertainty'
  | 'ratio'
  | 'difference'
  | 'coverage'
  | 'contactMinutes'
>;

/** Journal positions, inclusive. */
export interface PosSpan {
  readonly fromPos: number;
  readonly toPos: number;
}

/** Event time, UTC ms, `fromMs` inclusive, `untilMs` not. */
export interface Period {
  readonly fromMs: number;
  readonly untilMs: number;
}

const CELL_COLUMNS = `pos, device, metric, minute_ms as "minuteMs", unit, mean, max,
  covered_seconds as "coveredSeconds", excluded_seconds as "excludedSeconds"`;

/**
 * Pages of at most `rowsMax` cells that entries of the span gave last, in order of position; one
 * statement each, nothing held between.
 */
export async function* readCells(
  pool: pg.Pool,
  shard: string,
  { fromPos, toPos }: PosSpan,
  rowsMax: number,
): AsyncGenerator<readonly CellRow[], void, void> {
  let after: Pick<CellRow, 'pos' | 'device' | 'metric' | 'minuteMs'> | undefined = {
    ...{ pos: fromPos, device: '', metric: '', minuteMs: 0 },
  };
  while (after !== undefined) {
    const { pos, device, metric, minuteMs }: NonNullable<typeof after> = after;
    const page: pg.QueryResult<CellRow> = await pool.query(
      `select ${CELL_COLUMNS} from telemetry.minute_cell
       where shard = $1 and pos between $2 and $6
         and (pos, device, metric, minute_ms) > ($2, $3, $4, $5)
       order by pos, device, metric, minute_ms limit $7`,
      [shard, pos, device, metric, minuteMs, toPos, rowsMax],
    );
    if (page.rows.length > 0) yield page.rows;
    after = page.rows.length < rowsMax ? undefined : page.rows.at(-1);
  }
}

/** All cells of a period. */
export const readCellsOf = async (
  pool: pg.Pool,
  shard: string,
  { fromMs, untilMs }: Period,
): Promise<readonly CellRow[]> =>
  (
    await pool.query<CellRow>(
      `select ${CELL_COLUMNS} from telemetry.minute_cell
       where shard = $1 and minute_ms >= $2 and minute_ms < $3`,
      [shard, fromMs, untilMs],
    )
  ).rows;

/** The same of results; within a period: those of shifts that ended in it. */
export async function* readResults(
  pool: pg.Pool,
  shard: string,
  { fromPos, toPos }: PosSpan,
  rowsMax: number,
  { fromMs, untilMs }: Period = { fromMs: 0, untilMs: Number.MAX_SAFE_INTEGER },
): AsyncGenerator<readonly ResultRow[], void, void> {
  let after: Pick<ResultRow, 'pos' | 'resultKey' | 'revision'> | undefined = {
    ...{ pos: fromPos, resultKey: '', revision: 0 },
  };
  while (after !== undefined) {
    const { pos, resultKey, revision }: NonNullable<typeof after> = after;
    const page: pg.QueryResult<ResultRow> = await pool.query(
      `select w.pos, r.*
       from exposure.window_result w, jsonb_to_record(w.result) as r (
         "resultKey" text, revision int, subject jsonb, "limit" jsonb, verdict text, basis text,
         "window" jsonb, uncertainty float8, ratio float8, difference float8, coverage float8,
         "contactMinutes" float8)
       where w.shard = $1 and w.pos between $2 and $5
         and (w.pos, w.result_key, w.revision) > ($2, $3, $4)
         and w.shift_end_ms >= $6 and w.shift_end_ms < $7
       order by w.pos, w.result_key, w.revision limit $8`,
      [shard, pos, resultKey, revision, toPos, fromMs, untilMs, rowsMax],
    );
    if (page.rows.length > 0) yield page.rows;
    after = page.rows.length < rowsMax ? undefined : page.rows.at(-1);
  }
}
