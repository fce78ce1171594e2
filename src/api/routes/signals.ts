import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { type Selectable, sql } from 'kysely';
import { z } from 'zod';
import type { SignalTable } from '../../database/schema.ts';
import { GATEWAY_SIGNAL_KINDS, type GatewaySignalKind } from '../../model/exposure.ts';
import { GatewayId } from '../../model/ids.ts';
import type { ApiDeps } from '../deps.ts';
import { decodeCursor, NextCursor, PageQuery, pageOf } from '../page-cursor.ts';
import { Millis } from '../views.ts';

const SignalView = z.object({
  signalKey: z.string(),
  kind: z.enum(GATEWAY_SIGNAL_KINDS),
  /** Event time that it is about. */
  atMs: Millis,
  shard: z.string(),
  /** Journal entry that made it known. */
  pos: z.int(),
  gateway: z.string(),
  detail: z.record(z.string(), z.union([z.string(), z.number()])),
});

type Row = Pick<
  Selectable<SignalTable>,
  'signal_key' | 'kind' | 'at_ms' | 'shard' | 'pos' | 'content'
>;

const viewOf = ({ signal_key: signalKey, at_ms, kind, shard, pos, content }: Row) => {
  // The engine's own word, under the kinds that have a gateway and a detail.
  const { gateway, detail } = content as Pick<z.infer<typeof SignalView>, 'gateway' | 'detail'>;
  const atMs = Number(at_ms);
  return {
    signalKey,
    kind: kind as GatewaySignalKind,
    atMs,
    shard,
    pos: Number(pos),
    gateway,
    detail,
  };
};

/** What was noticed about the data rather than in them, newest first by the time that it is about. */
export const signalRoutes =
  ({ db }: Pick<ApiDeps, 'db'>): FastifyPluginAsyncZod =>
  async (app) => {
    app.get(
      '/signals',
      {
        schema: {
          tags: ['operation'],
          summary: 'Findings on sensors, gateways and what can not be evaluated, newest first',
          querystring: z.object({
            ...PageQuery,
            kind: z.enum(GATEWAY_SIGNAL_KINDS).optional(),
            gateway: GatewayId.optional(),
          }),
          response: { 200: z.object({ items: z.array(SignalView), nextCursor: NextCursor }) },
        },
      },
      async (request) => {
        const { limit, cursor, kind, gateway } = request.query;
        const after = decodeCursor(cursor, z.tuple([z.int(), z.string()]));
        let query = db
          .selectFrom('exposure.signal')
          .select(['signal_key', 'kind', 'at_ms', 'shard', 'pos', 'content'])
          .where('kind', 'in', kind === undefined ? [...GATEWAY_SIGNAL_KINDS] : [kind])
          .orderBy('at_ms', 'desc')
          .orderBy('signal_key', 'desc')
          .limit(limit + 1);
        if (gateway !== undefined) {
          query = query.where(sql`content ->> 'gateway'`, '=', gateway);
        }
        if (after !== undefined) {
          query = query.where(sql<boolean>`(at_ms, signal_key) < (${after[0]}, ${after[1]})`);
        }
        const { rows, nextCursor } = pageOf(await query.execute(), limit, (row) => [
          Number(row.at_ms),
          row.signal_key,
        ]);
        return { items: rows.map(viewOf), nextCursor };
      },
    );
  };
