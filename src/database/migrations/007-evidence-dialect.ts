import { type Kysely, sql } from 'kysely';

/** Raw evidence of devices that speak another dialect than JSON, with the context it is read with. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`alter table enforcement.evidence_raw
    add column dialect text not null default 'json', add column context text`.execute(db);
}
