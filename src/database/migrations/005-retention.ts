import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`create table enforcement.evidence_claim (
    package_id text primary key references enforcement.evidence_package,
    clue_no text not null references enforcement.clue,
    shard text not null,
    devices text[] not null,
    from_ms bigint not null,
    to_ms bigint not null,
    pos bigint not null,
    state text not null default 'waiting' check (state in ('waiting', 'sealed', 'unsealed')),
    tries int not null default 0,
    next_try_at timestamptz not null
  )`.execute(db);
  await sql`create index evidence_claim_waiting on enforcement.evidence_claim (next_try_at)
    where state = 'waiting'`.execute(db);
  await sql`create table enforcement.evidence_raw (
    shard text not null,
    pos bigint not null,
    kind text not null,
    gateway text not null,
    epoch text,
    seq bigint,
    seq_to bigint,
    received_at_ms bigint not null,
    sha256 text not null,
    raw bytea not null,
    primary key (shard, pos)
  )`.execute(db);
  await sql`create table enforcement.evidence_use (
    package_id text not null references enforcement.evidence_claim,
    shard text not null,
    pos bigint not null,
    primary key (package_id, shard, pos),
    foreign key (shard, pos) references enforcement.evidence_raw
  )`.execute(db);
  await sql`create index minute_cell_age on telemetry.minute_cell using brin (minute_ms)`.execute(
    db,
  );
}
