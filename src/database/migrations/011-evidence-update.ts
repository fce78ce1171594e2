import { type Kysely, sql } from 'kysely';

/** What the platform was told of the seals behind a package that a push names. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`alter table enforcement.evidence_claim
    add column told text check (told in ('accepted', 'refused')),
    add column tell_tries int not null default 0,
    add column tell_after timestamptz not null default now(),
    add column tell_error text`.execute(db);
  await sql`create index evidence_claim_untold on enforcement.evidence_claim (tell_after)
    where state = 'sealed' and told is null`.execute(db);
}
