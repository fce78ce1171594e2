import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { type Selectable, sql } from 'kysely';
import { z } from 'zod';
import type { DeadLetterTable } from '../../database/schema.ts';
import type { ApiDeps } from '../deps.ts';
import { ApiError } from '../errors.ts';
import { requireOperator } from '../operator.ts';
import { decodeCursor, NextCursor, PageQuery, pageOf } from '../page-cursor.ts';
import { Millis } from '../views.ts';

const DeadLetterView = z.object({
  id: z.int(),
  shard: z.string(),
  receivedAtMs: Millis,
  source: z.string(),
  topic: z.string(),
  reason: z.string(),
  detail: z.string(),
  sha256: z.string(),
  bytes: z.int(),
  replayedAtMs: Millis.nullable(),
  /** `stored`, `duplicate`, or why it could not be used again. */
  replayOutcome: z.string().nullable(),
});

const COLUMNS = [
  'id',
  'shard',
  'received_at',
  'source',
  'topic',
  'reason',
  'detail',
  'sha256',
  'replayed_at',
  'replay_outcome',
] as const;

const viewOf = ({
  received_at,
  replayed_at,
  replay_outcome: replayOutcome,
  ...row
}: Pick<Selectable<DeadLetterTable>, (typeof COLUMNS)[number]> & { readonly bytes: number }) => ({
  ...row,
  receivedAtMs: received_at.getTime(),
  replayedAtMs: replayed_at?.getTime() ?? null,
  replayOutcome,
});

const Id = z.object({ id: z.coerce.number().int().min(1) });

/** What was acknowledged but could not be used, newest first, with the reason. */
export const deadLetterRoutes =
  (deps: Pick<ApiDeps, 'db' | 'replayLetter' | 'operatorToken'>): FastifyPluginAsyncZod =>
  async (app) => {
    const { db } = deps;
    app.get(
      '/dead-letters',
      {
        schema: {
          tags: ['operation'],
          summary: 'Messages that could not be used, newest first',
          querystring: z.strictObject({ ...PageQuery, reason: z.string().max(64).optional() }),
          response: { 200: z.object({ items: z.array(DeadLetterView), nextCursor: NextCursor }) },
        },
      },
      async (request) => {
        const { limit, cursor, reason } = request.query;
        const after = decodeCursor(cursor, z.tuple([z.int()]));
        let query = db
          .selectFrom('telemetry.dead_letter')
          .select(COLUMNS)
          .select(sql<number>`octet_length(raw)`.as('bytes'))
          .orderBy('id', 'desc')
          .limit(limit + 1);
        if (reason !== undefined) query = query.where('reason', '=', reason);
        if (after !== undefined) query = query.where('id', '<', after[0]);
        const { rows, nextCursor } = pageOf(await query.execute(), limit, (row) => [row.id]);
        return { items: rows.map(viewOf), nextCursor };
      },
    );
    app.get(
      '/dead-letters/:id',
      {
        schema: {
          tags: ['operation'],
          summary: 'One of them with its bytes',
          params: Id,
          response: { 200: DeadLetterView.extend({ raw: z.base64() }) },
        },
      },
      async (request) => {
        const { id } = request.params;
        const row = await db
          .selectFrom('telemetry.dead_letter')
          .select([...COLUMNS, 'raw'])
          .where('id', '=', id)
          .executeTakeFirst();
        if (row === undefined) {
          throw new ApiError('DEAD_LETTER_NOT_FOUND', `No dead letter ${id}`);
        }
        const { raw, ...rest } = row;
        return { ...viewOf({ ...rest, bytes: raw.length }), raw: raw.toString('base64') };
      },
    );
    app.post(
      '/dead-letters/:id/replay',
      {
        onRequest: requireOperator(deps),
        schema: {
          tags: ['operation'],
          summary: 'Takes its bytes in again, after what was wrong with them was mended',
          security: [{ operator: [] }],
          params: Id,
          response: { 200: z.object({ outcome: z.enum(['stored', 'duplicate']) }) },
        },
      },
      async (request) => {
        const { id } = request.params;
        const replayed = await deps.replayLetter(id);
        if (replayed.ok) return { outcome: replayed.value };
        const code =
          replayed.reason === 'not-found'
            ? 'DEAD_LETTER_NOT_FOUND'
            : replayed.reason === 'no-ingest'
              ? 'INGEST_UNAVAILABLE'
              : 'NOT_REPLAYABLE';
        throw new ApiError(code, `Cannot replay dead letter ${id}: ${replayed.detail}`);
      },
    );
  };
