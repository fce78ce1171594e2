import { type Kysely, sql } from 'kysely';

/**
 * A checkpoint is written piece by piece: `engine_checkpoint.body` lists them, and what has not changed since
 * the one before is there already.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`create table exposure.checkpoint_piece (
    shard text not null,
    digest text not null,
    body bytea not null,
    primary key (shard, digest)
  )`.execute(db);
  // The bytes are zstd already.
  await sql`alter table exposure.checkpoint_piece alter column body set storage external`.execute(
    db,
  );
}
