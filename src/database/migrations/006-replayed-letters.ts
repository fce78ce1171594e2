import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`alter table telemetry.dead_letter
    add column replayed_at timestamptz,
    add column replay_outcome text`.execute(db);
}
