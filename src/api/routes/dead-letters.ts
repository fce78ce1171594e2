import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { sql } from 'kysely';
import { z } from 'zod';
import type { ApiDeps } from '../deps.ts';
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
});

/** What was acknowledged but could not be used, newest first, with the reason. */
export const deadLetterRoutes =
  ({ db }: Pick<ApiDeps, 'db'>): FastifyPluginAsyncZod =>
  async (app) => {
    app.get(
      '/dead-letters',
      {
        schema: {
          tags: ['operation'],
          summary: 'Messages that could not be used, newest first',
          querystring: z.object(PageQuery),
          response: { 200: z.object({ items: z.array(DeadLetterView), nextCursor: NextCursor }) },
        },
      },
      async (request) => {
        const { limit, cursor } = request.query;
        const after = decodeCursor(cursor, z.tuple([z.int()]));
        let query = db
          .selectFrom('telemetry.dead_letter')
          .select(['id', 'shard', 'received_at', 'source', 'topic', 'reason', 'detail', 'sha256'])
          .select(sql<number>`octet_length(raw)`.as('bytes'))
          .orderBy('id', 'desc')
          .limit(limit + 1);
        if (after !== undefined) query = query.where('id', '<', after[0]);
        const { rows, nextCursor } = pageOf(await query.execute(), limit, (row) => [row.id]);
        const items = rows.map(({ received_at, ...row }) => ({
          ...row,
          receivedAtMs: received_at.getTime(),
        }));
        return { items, nextCursor };
      },
    );
  };
