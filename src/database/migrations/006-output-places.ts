import { type Kysely, sql } from 'kysely';

/** Where in the journal an output was last given: readers behind the evaluator follow by it. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`alter table telemetry.minute_cell
    add column shard text not null default 'main',
    add column pos bigint not null default 0`.execute(db);
  await sql`create index minute_cell_pos on telemetry.minute_cell (shard, pos)`.execute(db);
  await sql`create index window_result_pos on exposure.window_result (shard, pos)`.execute(db);
}
