import type { Kysely, Transaction } from 'kysely';
import type { Database } from '../database/schema.ts';
import { Fact } from '../model/facts.ts';
import { applyFact, emptyRegistry, type RegistryState } from './registry-state.ts';

/**
 * Writes a fact of the journal to `registry.fact`, keyed by its position: writing it again is a
 * no-op.
 */
export async function projectFact(
  tx: Transaction<Database>,
  at: { readonly shard: string; readonly pos: number },
  fact: Fact,
): Promise<void> {
  await tx
    .insertInto('registry.fact')
    .values({
      shard: at.shard,
      pos: at.pos,
      entity: fact.entity,
      id: fact.id,
      valid_from_ms: fact.validFromMs,
      value: fact.value === null ? null : JSON.stringify(fact.value),
      source: JSON.stringify(fact.source),
    })
    .onConflict((conflict) => conflict.columns(['shard', 'pos']).doNothing())
    .execute();
}

/** The registry as the projected facts of a shard leave it. */
export async function readRegistryState(
  db: Kysely<Database>,
  shard: string,
): Promise<RegistryState> {
  const rows = await db
    .selectFrom('registry.fact')
    .select(['entity', 'id', 'valid_from_ms', 'value', 'source'])
    .where('shard', '=', shard)
    .orderBy('pos')
    .execute();
  return rows.reduce(
    (state, row) =>
      applyFact(
        state,
        Fact.parse({
          v: 1,
          entity: row.entity,
          id: row.id,
          validFromMs: row.valid_from_ms,
          value: row.value,
          source: row.source,
        }),
      ),
    emptyRegistry(),
  );
}
