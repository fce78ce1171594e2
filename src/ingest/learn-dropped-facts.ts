import type { Kysely } from 'kysely';
import type { Database } from '../database/schema.ts';
import { Fact } from '../model/facts.ts';
import type { Sha256Hex } from '../model/ids.ts';
import type { Engine } from './engine-kit.ts';

const NO_HASH = '0'.repeat(64) as Sha256Hex;

/**
 * Where the journal goes on for an engine: behind its position or, when older days were dropped, at
 * the first entry that is left. The facts before it are learnt from their projection, which is kept:
 * what is judged from the entries that are left is then judged as it was.
 */
export async function learnDroppedFacts(
  db: Kysely<Database>,
  shard: string,
  engine: Engine,
): Promise<number> {
  const next = engine.pos + 1;
  const { first } = await db
    .selectFrom('telemetry.block')
    .select((eb) => eb.fn.min<number | null>('pos_from').as('first'))
    .where('shard', '=', shard)
    .executeTakeFirstOrThrow();
  if (first === null || first <= next) return next;
  const facts = await db
    .selectFrom('registry.fact')
    .selectAll()
    .where('shard', '=', shard)
    .where('pos', '>=', next)
    .where('pos', '<', first)
    .orderBy('pos')
    .execute();
  for (const { pos, entity, id, valid_from_ms: validFromMs, value, source } of facts) {
    const fact = Fact.parse({ v: 1, entity, id, validFromMs, value, source });
    engine.step({ kind: 'fact', pos, receivedAtMs: validFromMs, sha256: NO_HASH, fact });
  }
  return first;
}
