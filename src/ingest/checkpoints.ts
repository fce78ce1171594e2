import { hash } from 'node:crypto';
import { promisify } from 'node:util';
import { constants, zstdCompress, zstdDecompress } from 'node:zlib';
import { type Kysely, sql, type Transaction } from 'kysely';
import type { Database } from '../database/schema.ts';
import { fail, ok, type Result } from '../model/result.ts';
import type { EngineKit } from './engine-kit.ts';

/** Checkpoints kept per shard: an older one serves when the latest is damaged. */
const KEPT = 3;

/** A piece of a checkpoint as its list names it. */
export interface ListedPiece {
  readonly name: string;
  /** SHA-256 of its bytes, lower-case hex: under it the piece lies in the database, once. */
  readonly digest: string;
  readonly bytes: number;
}

const compressed = promisify(zstdCompress);
const decompressed = promisify(zstdDecompress);

export const compress = (bytes: Uint8Array): Promise<Buffer> =>
  compressed(bytes, { params: { [constants.ZSTD_c_compressionLevel]: 1 } });

export const digestOfPiece = (bytes: Uint8Array): string => hash('sha256', bytes, 'hex');

const writeList = (pieces: readonly ListedPiece[]): string =>
  pieces.map(({ name, digest, bytes }) => `${name} ${digest} ${bytes}\n`).join('');

const readList = (text: string): readonly ListedPiece[] =>
  text
    .split('\n')
    .slice(0, -1)
    .map((line) => {
      const [name, digest, bytes] = line.split(' ') as [string, string, string];
      return { name, digest, bytes: Number(bytes) };
    });

/** Positions of a shard's checkpoints, the latest first. */
export async function checkpointsOf(
  db: Kysely<Database>,
  shard: string,
): Promise<readonly number[]> {
  const rows = await db
    .selectFrom('exposure.engine_checkpoint')
    .select('pos')
    .where('shard', '=', shard)
    .orderBy('pos', 'desc')
    .execute();
  return rows.map(({ pos }) => pos);
}

/** The list of a checkpoint that is of this build and these settings. */
export async function readCheckpointList(
  db: Kysely<Database>,
  shard: string,
  pos: number,
  kit: EngineKit,
): Promise<Result<readonly ListedPiece[], 'unknown-version' | 'other-settings' | 'damaged'>> {
  const row = await db
    .selectFrom('exposure.engine_checkpoint')
    .selectAll()
    .where('shard', '=', shard)
    .where('pos', '=', pos)
    .executeTakeFirstOrThrow();
  if (row.engine_version !== kit.version)
    return fail('unknown-version', row.engine_version.toString());
  if (row.settings_hash !== kit.settingsHash) return fail('other-settings', row.settings_hash);
  if (digestOfPiece(row.body) !== row.checksum) return fail('damaged', 'its list of pieces');
  return ok(readList((await decompressed(row.body)).toString()));
}

/** Bytes of a piece; damaged or absent ones are undefined. */
export type ReadPiece = (piece: ListedPiece) => Buffer | undefined;

/** The pieces of a part of a list. */
export async function readPieces(
  db: Kysely<Database>,
  shard: string,
  pieces: readonly ListedPiece[],
): Promise<ReadPiece> {
  const rows = await db
    .selectFrom('exposure.checkpoint_piece')
    .select(['digest', 'body'])
    .where('shard', '=', shard)
    .where('digest', '=', sql<string>`any(${pieces.map(({ digest }) => digest)})`)
    .execute();
  const found = new Map<string, Buffer>();
  await Promise.all(
    rows.map(async ({ digest, body }) => {
      // What is not zstd any more is as good as absent.
      const bytes = await decompressed(body).catch(() => undefined);
      if (bytes !== undefined && digestOfPiece(bytes) === digest) found.set(digest, bytes);
    }),
  );
  return ({ digest }) => found.get(digest);
}

/** Digests of all pieces in the database, and of those that its latest three checkpoints name. */
export async function readHeld(
  db: Kysely<Database>,
  shard: string,
): Promise<{ readonly held: Set<string>; readonly kept: KeptCheckpoint[] }> {
  const rows = await db
    .selectFrom('exposure.checkpoint_piece')
    .select('digest')
    .where('shard', '=', shard)
    .execute();
  const lists = await db
    .selectFrom('exposure.engine_checkpoint')
    .select(['pos', 'body'])
    .where('shard', '=', shard)
    .orderBy('pos', 'desc')
    .limit(KEPT)
    .execute();
  const kept = await Promise.all(
    lists.map(async ({ pos, body }) => {
      // A list that can't be read, or is of a build that kept all in one piece, keeps nothing.
      const text = await decompressed(body).catch(() => '');
      return { pos, digests: new Set(readList(text.toString()).map(({ digest }) => digest)) };
    }),
  );
  return { held: new Set(rows.map(({ digest }) => digest)), kept };
}

export interface KeptCheckpoint {
  readonly pos: number;
  readonly digests: ReadonlySet<string>;
}

/** A piece as it goes to the database. */
export interface PackedPiece {
  readonly digest: string;
  readonly body: Buffer;
}

export interface CheckpointHolder {
  readonly shard: string;
  readonly token: number;
}

/** Another hub holds the shard, or its outputs are not committed up to there. */
export class CheckpointRefused extends Error {}

/** Writes pieces; nothing hangs on them until a list names them. */
export async function writePieces(
  db: Kysely<Database>,
  { shard, token }: CheckpointHolder,
  pieces: readonly PackedPiece[],
): Promise<void> {
  await db.transaction().execute(async (tx) => {
    await holdToken(tx, { shard, token });
    await tx
      .insertInto('exposure.checkpoint_piece')
      .values(pieces.map(({ digest, body }) => ({ shard, digest, body })))
      // A damaged one gives way.
      .onConflict((conflict) =>
        conflict
          .columns(['shard', 'digest'])
          .doUpdateSet((row) => ({ body: row.ref('excluded.body') })),
      )
      .execute();
  });
}

/** Held until the commit (`for key share` lets the lease be renewed). */
async function holdToken(
  tx: Transaction<Database>,
  { shard, token }: CheckpointHolder,
): Promise<void> {
  const { rows } = await sql`
    select set_config('idle_in_transaction_session_timeout', '10s', true)
    from telemetry.evaluator_lease where shard = ${shard} and token = ${token} for key share`.execute(
    tx,
  );
  if (rows.length === 0) throw new CheckpointRefused('another hub holds the shard');
}

/**
 * Makes the pieces a checkpoint, drops all but the last three, and the pieces that none of these names. The
 * outputs up to `pos` must be committed. Gives the checkpoints kept.
 */
export async function writeCheckpointList(
  db: Kysely<Database>,
  holder: CheckpointHolder,
  kit: EngineKit,
  { pos, pieces }: { readonly pos: number; readonly pieces: readonly ListedPiece[] },
  { held, kept }: { readonly held: Set<string>; readonly kept: readonly KeptCheckpoint[] },
): Promise<KeptCheckpoint[]> {
  const { shard } = holder;
  const body = await compress(Buffer.from(writeList(pieces)));
  const values = {
    engine_version: kit.version,
    settings_hash: kit.settingsHash,
    checksum: digestOfPiece(body),
    created_at: new Date(),
    body,
  };
  const own = { pos, digests: new Set(pieces.map(({ digest }) => digest)) };
  const keeps = [own, ...kept.filter((other) => other.pos !== pos)]
    .sort((a, b) => b.pos - a.pos)
    .slice(0, KEPT);
  const dropped = [...held].filter((digest) => !keeps.some(({ digests }) => digests.has(digest)));
  await db.transaction().execute(async (tx) => {
    await holdToken(tx, holder);
    const { rows } = await sql`
      select 1 from telemetry.sink_cursor
      where shard = ${shard} and name = 'evaluator' and pos >= ${pos} for share`.execute(tx);
    if (rows.length === 0) throw new CheckpointRefused('its outputs are not committed');
    await tx
      .insertInto('exposure.engine_checkpoint')
      .values({ shard, pos, ...values })
      // Another build's or other settings' checkpoint of this position gives way.
      .onConflict((conflict) => conflict.columns(['shard', 'pos']).doUpdateSet(values))
      .execute();
    await tx
      .deleteFrom('exposure.engine_checkpoint')
      .where('shard', '=', shard)
      .where(
        'pos',
        'not in',
        keeps.map((checkpoint) => checkpoint.pos),
      )
      .execute();
    if (dropped.length === 0) return;
    await tx
      .deleteFrom('exposure.checkpoint_piece')
      .where('shard', '=', shard)
      .where('digest', '=', sql<string>`any(${dropped})`)
      .execute();
  });
  for (const digest of dropped) held.delete(digest);
  return keeps;
}
