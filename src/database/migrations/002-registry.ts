import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`create schema registry`.execute(db);
  await sql`create table registry.fact (
    shard text not null,
    pos bigint not null,
    entity text not null,
    id text not null,
    valid_from_ms bigint not null,
    value jsonb,
    source jsonb not null,
    primary key (shard, pos)
  )`.execute(db);
  await sql`create index fact_entity on registry.fact (entity, id, pos)`.execute(db);
}
