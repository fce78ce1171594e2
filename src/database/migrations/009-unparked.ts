import { type Kysely, sql } from 'kysely';

/** How far parked batches of a later version were looked for, by builds that can read it. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`create table telemetry.unparked (
    shard text not null,
    version int not null,
    pos bigint not null,
    primary key (shard, version)
  )`.execute(db);
}
