import { type Kysely, sql } from 'kysely';

/** What the roles of a hub need to be processes of their own. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`create table telemetry.evaluator_lease (
    shard text primary key,
    token bigint not null,
    holder text not null,
    until_ms bigint not null
  )`.execute(db);
  await sql`create table telemetry.hub_process (
    process text primary key,
    shard text not null,
    roles text[] not null,
    stats jsonb not null,
    seen_at timestamptz not null
  )`.execute(db);
  await sql`create table telemetry.hub_request (
    id bigint generated always as identity primary key,
    shard text not null,
    request jsonb not null,
    made_at timestamptz not null default now(),
    taken_at timestamptz,
    answer jsonb
  )`.execute(db);
}
