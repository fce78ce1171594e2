import type { Kysely } from 'kysely';
import { z } from 'zod';
import type { Database } from '../database/schema.ts';
import { Sha256Hex } from '../model/ids.ts';
import { ClueNo } from './clue-body.ts';

/**
 * A gateway's signed word over the head of its chain, whole: all of its members but `sig` are signed
 * (contracts.md, 1.8).
 */
const Seal = z.looseObject({
  v: z.literal(1),
  gateway: z.string(),
  epoch: z.string(),
  upTo: z.int().min(1),
  hash: Sha256Hex,
  keyId: z.string(),
  sig: z.string(),
});
export type Seal = z.infer<typeof Seal>;

/**
 * Body of `POST {platform}/clues/{clueNo}/evidence`: the seals that cover the raw messages behind a
 * package. It tells nothing of the facts: they stand in the clue, whose revision stays.
 */
export const EvidenceUpdate = z.strictObject({
  schemaVersion: z.literal(1),
  clueNo: ClueNo,
  packageId: Sha256Hex,
  sealed: z.literal(true),
  /** One for each gateway and epoch, in their order. */
  seals: z.array(Seal).min(1),
  /** Where the raw messages can be fetched; null: not published. */
  rawUrl: z.string().nullable(),
});
export type EvidenceUpdate = z.infer<typeof EvidenceUpdate>;

/** The seals that were copied for a package, each once. */
export async function readSeals(db: Kysely<Database>, packageId: string): Promise<Seal[]> {
  const rows = await db
    .selectFrom('enforcement.evidence_use as u')
    .innerJoin('enforcement.evidence_raw as r', (join) =>
      join.onRef('r.shard', '=', 'u.shard').onRef('r.pos', '=', 'u.pos'),
    )
    .select('r.raw')
    .where('u.package_id', '=', packageId)
    .where('r.kind', '=', 'seal')
    .orderBy('r.gateway')
    .orderBy('r.epoch')
    .orderBy('r.pos')
    .execute();
  return rows.map(({ raw }) => Seal.parse(JSON.parse(raw.toString('utf8'))));
}
