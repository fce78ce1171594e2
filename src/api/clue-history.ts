import type { Kysely } from 'kysely';
import { z } from 'zod';
import type { Database } from '../database/schema.ts';
import { Millis } from './views.ts';

/** Newest rows given of each kind; a clue with more has older ones that only the database shows. */
const ROWS_MAX = 500;

/** Everything that is stored of one clue beside its row. */
export const ClueHistoryView = z.object({
  episodes: z.array(
    z.object({ startMs: Millis, endMs: Millis, lowerBoundMax: z.number(), pos: z.int() }),
  ),
  events: z.array(
    z.object({
      seq: z.int(),
      type: z.string(),
      atMs: Millis,
      pos: z.int(),
      reason: z.string(),
      detail: z.unknown(),
    }),
  ),
  outbox: z.array(
    z.object({
      idempotencyKey: z.string(),
      revision: z.int(),
      state: z.enum(['pending', 'sent', 'superseded', 'dead']),
      attempts: z.int(),
      lastError: z.string().nullable(),
    }),
  ),
  pushes: z.array(
    z.object({
      idempotencyKey: z.string(),
      attempt: z.int(),
      atMs: Millis,
      requestSha256: z.string(),
      status: z.int().nullable().describe('HTTP status; null: no answer'),
      detail: z.string(),
      tookMs: z.int(),
    }),
  ),
  receipts: z.array(
    z.object({
      idempotencyKey: z.string(),
      platformNo: z.string(),
      behaviorCode: z.string().nullable(),
      atMs: Millis,
      body: z.unknown(),
    }),
  ),
  evidence: z.array(
    z.object({
      packageId: z.string(),
      revision: z.int(),
      sm3: z.string(),
      bytes: z.int(),
      url: z.string(),
    }),
  ),
});
export type ClueHistory = z.infer<typeof ClueHistoryView>;

/** At most 500 of each kind, the newest, in the order in which they happened. */
export async function readClueHistory(db: Kysely<Database>, clueNo: string): Promise<ClueHistory> {
  const [episodes, events, outbox, pushes, receipts, evidence] = await Promise.all([
    readEpisodes(db, clueNo),
    readEvents(db, clueNo),
    readOutbox(db, clueNo),
    readPushes(db, clueNo),
    readReceipts(db, clueNo),
    readEvidence(db, clueNo),
  ]);
  return { episodes, events, outbox, pushes, receipts, evidence };
}

async function readEpisodes(
  db: Kysely<Database>,
  clueNo: string,
): Promise<ClueHistory['episodes']> {
  const rows = await db
    .selectFrom('enforcement.episode')
    .select(['start_ms as startMs', 'end_ms as endMs', 'lower_bound_max as lowerBoundMax', 'pos'])
    .where('clue_no', '=', clueNo)
    .orderBy('start_ms', 'desc')
    .limit(ROWS_MAX)
    .execute();
  return rows.reverse();
}

async function readEvents(db: Kysely<Database>, clueNo: string): Promise<ClueHistory['events']> {
  const rows = await db
    .selectFrom('enforcement.clue_event')
    .select(['seq', 'type', 'at_ms as atMs', 'pos', 'reason', 'detail'])
    .where('clue_no', '=', clueNo)
    .orderBy('seq', 'desc')
    .limit(ROWS_MAX)
    .execute();
  return rows.reverse();
}

async function readOutbox(db: Kysely<Database>, clueNo: string): Promise<ClueHistory['outbox']> {
  const rows = await db
    .selectFrom('enforcement.outbox')
    .select([
      'idempotency_key as idempotencyKey',
      'revision',
      'state',
      'attempts',
      'last_error as lastError',
    ])
    .where('clue_no', '=', clueNo)
    .orderBy('revision', 'desc')
    .limit(ROWS_MAX)
    .execute();
  return rows.reverse();
}

async function readPushes(db: Kysely<Database>, clueNo: string): Promise<ClueHistory['pushes']> {
  const rows = await db
    .selectFrom('enforcement.push as p')
    .innerJoin('enforcement.outbox as o', 'o.idempotency_key', 'p.idempotency_key')
    .select(['p.idempotency_key', 'p.attempt', 'p.at', 'p.request_sha256', 'p.status'])
    .select(['p.detail', 'p.took_ms'])
    .where('o.clue_no', '=', clueNo)
    .orderBy('p.id', 'desc')
    .limit(ROWS_MAX)
    .execute();
  return rows.reverse().map((row) => ({
    idempotencyKey: row.idempotency_key,
    attempt: row.attempt,
    atMs: row.at.getTime(),
    requestSha256: row.request_sha256,
    status: row.status,
    detail: row.detail,
    tookMs: row.took_ms,
  }));
}

async function readReceipts(
  db: Kysely<Database>,
  clueNo: string,
): Promise<ClueHistory['receipts']> {
  const rows = await db
    .selectFrom('enforcement.receipt as r')
    .innerJoin('enforcement.outbox as o', 'o.idempotency_key', 'r.idempotency_key')
    .select(['r.idempotency_key', 'r.platform_no', 'r.behavior_code', 'r.at', 'r.body'])
    .where('o.clue_no', '=', clueNo)
    .orderBy('o.revision', 'desc')
    .limit(ROWS_MAX)
    .execute();
  return rows.reverse().map((row) => ({
    idempotencyKey: row.idempotency_key,
    platformNo: row.platform_no,
    behaviorCode: row.behavior_code,
    atMs: row.at.getTime(),
    body: row.body,
  }));
}

async function readEvidence(
  db: Kysely<Database>,
  clueNo: string,
): Promise<ClueHistory['evidence']> {
  const rows = await db
    .selectFrom('enforcement.evidence_package')
    .select(['package_id as packageId', 'revision', 'sm3', 'bytes'])
    .where('clue_no', '=', clueNo)
    .orderBy('revision', 'desc')
    .limit(ROWS_MAX)
    .execute();
  return rows.reverse().map((row) => ({ ...row, url: `/api/v1/evidence/${row.packageId}` }));
}
