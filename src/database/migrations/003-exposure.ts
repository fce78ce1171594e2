import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`create schema exposure`.execute(db);
  await sql`create table exposure.window_result (
    result_key text not null,
    revision int not null,
    input_hash text not null,
    result_hash text not null,
    shard text not null,
    pos bigint not null,
    verdict text not null,
    enterprise text not null,
    post text not null,
    crew text not null,
    factor text not null,
    limit_kind text not null,
    shift_start_ms bigint not null,
    shift_end_ms bigint not null,
    result jsonb not null,
    primary key (result_key, revision)
  )`.execute(db);
  await sql`create index window_result_post on exposure.window_result (post, shift_start_ms)`.execute(
    db,
  );
  await sql`create table exposure.signal (
    signal_key text primary key,
    kind text not null,
    shard text not null,
    pos bigint not null,
    at_ms bigint not null,
    content_hash text not null,
    content jsonb not null
  )`.execute(db);
  await sql`create index signal_at on exposure.signal (at_ms)`.execute(db);
  await sql`create table exposure.standing (
    post text not null,
    crew text not null,
    factor text not null,
    limit_kind text not null,
    enterprise text not null,
    as_of_ms bigint not null,
    state text not null,
    standing jsonb not null,
    primary key (post, crew, factor, limit_kind)
  ) with (fillfactor = 50)`.execute(db);
  await sql`create table exposure.engine_checkpoint (
    shard text not null,
    pos bigint not null,
    engine_version int not null,
    settings_hash text not null,
    checksum text not null,
    created_at timestamptz not null,
    body bytea not null,
    primary key (shard, pos)
  )`.execute(db);
  await sql`alter table exposure.engine_checkpoint alter column body set storage external`.execute(
    db,
  );
}
