import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`create schema telemetry`.execute(db);
  await sql`create table telemetry.shard (
    shard text primary key,
    token bigint not null,
    holder text not null,
    until_ms bigint not null,
    pos bigint not null,
    head_hash bytea not null
  )`.execute(db);
  await sql`create table telemetry.block (
    shard text not null,
    pos_from bigint not null,
    pos_to bigint not null check (pos_to >= pos_from),
    committed_at timestamptz not null,
    prev_hash bytea not null,
    hash bytea not null,
    header bytea not null,
    body bytea not null,
    gateways int[] not null,
    at_min_ms bigint,
    at_max_ms bigint,
    primary key (shard, pos_from, committed_at)
  ) partition by range (committed_at)`.execute(db);
  // The bytes are zstd already: compressing again costs time and gains nothing.
  await sql`alter table telemetry.block alter column body set storage external`.execute(db);
  await sql`alter table telemetry.block alter column header set storage external`.execute(db);
  await sql`create index block_gateways on telemetry.block using gin (gateways)`.execute(db);
  await sql`create index block_at on telemetry.block using brin (at_min_ms, at_max_ms)`.execute(db);
  await sql`create table telemetry.gateway_number (
    gateway text primary key,
    number int generated always as identity unique
  )`.execute(db);
  await sql`create table telemetry.gateway_progress (
    shard text not null,
    gateway text not null,
    epoch text not null,
    durable bigint not null,
    stored jsonb not null,
    sealed bigint not null,
    updated_pos bigint not null,
    primary key (shard, gateway, epoch)
  ) with (fillfactor = 50)`.execute(db);
  await sql`create table telemetry.dead_letter (
    id bigint generated always as identity primary key,
    shard text not null,
    received_at timestamptz not null,
    source text not null,
    topic text not null,
    reason text not null,
    detail text not null,
    sha256 text not null,
    raw bytea not null,
    unique (shard, topic, sha256)
  )`.execute(db);
  await sql`create table telemetry.sink_cursor (
    shard text not null,
    name text not null,
    pos bigint not null,
    primary key (shard, name)
  )`.execute(db);
  await sql`create table telemetry.minute_cell (
    device text not null,
    metric text not null,
    minute_ms bigint not null,
    unit text not null,
    mean double precision,
    max double precision,
    covered_seconds smallint not null,
    excluded_seconds smallint not null,
    primary key (device, metric, minute_ms)
  )`.execute(db);
}
