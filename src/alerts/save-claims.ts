import { sql, type Transaction } from 'kysely';
import type { Database } from '../database/schema.ts';
import type { ClueDraft } from './clue-draft.ts';

/** The covering seal comes within a minute or 100 batches: looking sooner finds none. */
const SEAL_WAIT_S = 120;

/** Notes which raw payloads the clue's new packages rest on; noting it again is a no-op. */
export async function saveClaims(
  tx: Transaction<Database>,
  at: { readonly shard: string; readonly pos: number },
  clue: Pick<ClueDraft, 'clueNo' | 'claims'>,
): Promise<void> {
  const claims = clue.claims.map(({ packageId, devices, fromMs, toMs }) => ({
    package_id: packageId,
    clue_no: clue.clueNo,
    shard: at.shard,
    devices: [...devices],
    from_ms: fromMs,
    to_ms: toMs,
    pos: at.pos,
    next_try_at: sql<Date>`now() + make_interval(secs => ${SEAL_WAIT_S})`,
  }));
  if (claims.length === 0) return;
  await tx
    .insertInto('enforcement.evidence_claim')
    .values(claims)
    .onConflict((conflict) => conflict.column('package_id').doNothing())
    .execute();
}
