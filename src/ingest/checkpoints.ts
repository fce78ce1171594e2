import type { Kysely, Transaction } from 'kysely';
import type { Database } from '../database/schema.ts';
import { sha256Hex } from '../model/digest.ts';
import type { FaultPoint } from '../process/fault-point.ts';
import type { Logger } from '../process/log.ts';
import type { Engine, EngineKit } from './engine-kit.ts';

/** Checkpoints kept per shard: an older one serves when the latest is damaged. */
const KEPT = 3;

/**
 * The engine as of the latest checkpoint at or before `cursorPos` that is whole and of this build and
 * settings; without one a new engine, which the journal is replayed into from its start.
 */
export async function loadEngine(
  db: Kysely<Database>,
  shard: string,
  cursorPos: number,
  kit: EngineKit,
  log: Logger,
): Promise<Engine> {
  const found = await db
    .selectFrom('exposure.engine_checkpoint')
    .select('pos')
    .where('shard', '=', shard)
    .where('pos', '<=', cursorPos)
    .orderBy('pos', 'desc')
    .execute();
  for (const { pos } of found) {
    const engine = await restore(db, shard, pos, kit, log);
    if (engine !== null) return engine;
  }
  return kit.create();
}

async function restore(
  db: Kysely<Database>,
  shard: string,
  pos: number,
  kit: EngineKit,
  log: Logger,
): Promise<Engine | null> {
  const row = await db
    .selectFrom('exposure.engine_checkpoint')
    .selectAll()
    .where('shard', '=', shard)
    .where('pos', '=', pos)
    .executeTakeFirstOrThrow();
  const refuse = (reason: string): null => {
    log.warn({ pos, reason }, 'cannot use a checkpoint, going back further');
    return null;
  };
  if (row.engine_version !== kit.version) return refuse('unknown-version');
  if (row.settings_hash !== kit.settingsHash) return refuse('other-settings');
  if (sha256Hex(row.body) !== row.checksum) return refuse('damaged');
  const restored = kit.restore(row.body);
  if (!restored.ok) return refuse(restored.reason);
  if (restored.value.pos !== pos) return refuse('damaged');
  return restored.value;
}

/** Writes a checkpoint of the engine and drops all but the last three, in the caller's transaction. */
export async function saveCheckpoint(
  tx: Transaction<Database>,
  shard: string,
  kit: EngineKit,
  { pos, body }: { readonly pos: number; readonly body: Uint8Array },
  faultPoint: FaultPoint,
): Promise<void> {
  const values = {
    engine_version: kit.version,
    settings_hash: kit.settingsHash,
    checksum: sha256Hex(body),
    created_at: new Date(),
    body: Buffer.from(body),
  };
  await tx
    .insertInto('exposure.engine_checkpoint')
    .values({ shard, pos, ...values })
    // Another build's or other settings' checkpoint of this position gives way.
    .onConflict((conflict) => conflict.columns(['shard', 'pos']).doUpdateSet(values))
    .execute();
  faultPoint('checkpoint:half-written');
  await tx
    .deleteFrom('exposure.engine_checkpoint')
    .where('shard', '=', shard)
    .where('pos', 'not in', (query) =>
      query
        .selectFrom('exposure.engine_checkpoint')
        .select('pos')
        .where('shard', '=', shard)
        .orderBy('pos', 'desc')
        .limit(KEPT),
    )
    .execute();
}
