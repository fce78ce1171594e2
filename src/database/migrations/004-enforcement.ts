import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`create schema enforcement`.execute(db);
  await sql`create table enforcement.clue (
    clue_no text primary key,
    kind text not null,
    state text not null,
    enterprise text not null,
    region text not null,
    post text not null,
    crew text not null,
    factor text not null,
    limit_kind text not null,
    shift_start_ms bigint not null,
    revision int not null,
    due_at_ms bigint not null,
    body jsonb not null,
    platform_no text,
    behavior_code text,
    opened_pos bigint not null,
    updated_pos bigint not null
  )`.execute(db);
  await sql`create index clue_key on enforcement.clue (enterprise, post, factor, limit_kind, kind)`.execute(
    db,
  );
  await sql`create index clue_due on enforcement.clue (due_at_ms) where state in ('CANDIDATE', 'READY')`.execute(
    db,
  );
  await sql`create table enforcement.episode (
    episode_key text primary key,
    clue_no text not null references enforcement.clue,
    start_ms bigint not null,
    end_ms bigint not null,
    lower_bound_max double precision not null,
    pos bigint not null
  )`.execute(db);
  await sql`create table enforcement.clue_event (
    clue_no text not null references enforcement.clue,
    seq int not null,
    type text not null,
    at_ms bigint not null,
    pos bigint not null,
    reason text not null,
    detail jsonb not null,
    primary key (clue_no, seq)
  )`.execute(db);
  await sql`create table enforcement.outbox (
    idempotency_key text primary key,
    clue_no text not null references enforcement.clue,
    revision int not null,
    body jsonb not null,
    state text not null,
    created_pos bigint not null,
    attempts int not null default 0,
    last_error text,
    next_attempt_at timestamptz not null default now(),
    unique (clue_no, revision)
  )`.execute(db);
  await sql`create index outbox_pending on enforcement.outbox (next_attempt_at) where state = 'pending'`.execute(
    db,
  );
  await sql`create table enforcement.push (
    id bigint generated always as identity primary key,
    idempotency_key text not null references enforcement.outbox,
    attempt int not null,
    at timestamptz not null default now(),
    request_sha256 text not null,
    status int,
    detail text not null,
    took_ms int not null
  )`.execute(db);
  await sql`create table enforcement.receipt (
    idempotency_key text primary key references enforcement.outbox,
    platform_no text not null,
    behavior_code text,
    at timestamptz not null default now(),
    body jsonb not null
  )`.execute(db);
  await sql`create table enforcement.evidence_package (
    package_id text primary key,
    clue_no text not null references enforcement.clue,
    revision int not null,
    sm3 text not null,
    bytes int not null,
    body bytea not null
  )`.execute(db);
  await sql`alter table enforcement.evidence_package alter column body set storage external`.execute(
    db,
  );
}
