import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { Uscc } from '../../model/ids.ts';
import { LimitKind } from '../../model/limits.ts';
import type { ApiDeps } from '../deps.ts';
import { FactorView, factorView } from '../factor-names.ts';
import { decodeCursor, NextCursor, PageQuery, pageOf } from '../page-cursor.ts';
import { type PostRow, readPostRows } from '../post-rows.ts';
import {
  AppliedLimitView,
  ChannelView,
  EnterpriseView,
  Millis,
  NamedView,
  ShiftView,
  TIME_ZONE_DEFAULT,
  VerdictView,
} from '../views.ts';

const PostView = z.object({
  enterprise: EnterpriseView,
  post: NamedView,
  crew: NamedView.nullable(),
  factor: FactorView,
  limitKind: LimitKind.nullable().describe('null: registered, but nothing was evaluated yet'),
  limit: AppliedLimitView.nullable(),
  channel: ChannelView.nullable(),
  gateway: z.string().nullable(),
  standing: z.object({
    state: z.enum(['over', 'near', 'below', 'no-data']),
    current: z.number().nullable().describe("In the limit's unit"),
    projected: z
      .number()
      .nullable()
      .describe('What it will be when all contact has passed, if the rest is like what was seen'),
    ratio: z.number().nullable(),
    difference: z.number().nullable(),
    asOfMs: Millis.nullable(),
    shift: ShiftView.nullable(),
  }),
  latestResult: z
    .object({
      resultKey: z.string(),
      revision: z.int(),
      verdict: VerdictView,
      caps: z.array(z.string()),
      basis: z.string(),
      lowerBound: z.number(),
      estimate: z.number().nullable(),
      ratio: z.number().nullable(),
      difference: z.number().nullable(),
      coverage: z.number().describe('Observed share of contact time, 0–1'),
      shift: ShiftView,
    })
    .nullable()
    .describe('Of the latest shift that was judged; null: none yet'),
});

/** Sort key: rank of the state, enterprise, post, factor, limit kind. */
const Cursor = z.tuple([z.int32(), z.string(), z.string(), z.string(), z.string()]);

/** Post × factor × limit kind with where it stands now and what the latest shift gave, worst first. */
export const postRoutes =
  ({ db }: Pick<ApiDeps, 'db'>): FastifyPluginAsyncZod =>
  async (app) => {
    app.get(
      '/posts',
      {
        schema: {
          tags: ['exposure'],
          summary: 'Where every post stands now, worst first',
          querystring: z.strictObject({ ...PageQuery, enterprise: Uscc.optional() }),
          response: {
            200: z.object({ items: z.array(PostView), nextCursor: NextCursor }),
          },
        },
      },
      async (request) => {
        const { limit, cursor, enterprise } = request.query;
        const fetched = await readPostRows(db, {
          nowMs: Date.now(),
          rowsMax: limit + 1,
          enterprise,
          after: decodeCursor(cursor, Cursor),
        });
        const { rows, nextCursor } = pageOf(fetched, limit, (row) => [
          row.rank,
          row.enterprise,
          row.post,
          row.factor,
          row.limit_kind,
        ]);
        return { items: rows.map(toView), nextCursor };
      },
    );
  };

function toView(row: PostRow): z.infer<typeof PostView> {
  const { standing, result } = row;
  const subject = standing?.subject ?? result?.subject;
  return {
    enterprise: {
      uscc: row.enterprise,
      name: row.enterprise_name,
      timeZone: row.time_zone ?? TIME_ZONE_DEFAULT,
    },
    post: { id: row.post, name: row.post_name },
    crew: row.crew === null ? null : { id: row.crew, name: row.crew_name },
    factor: factorView(row.factor),
    limitKind: subject?.limitKind ?? null,
    limit: standing?.limit ?? result?.limit ?? null,
    channel: subject?.channel ?? row.registered_channel,
    gateway: subject?.gateway ?? null,
    standing: {
      state: standing?.state ?? 'no-data',
      current: standing?.current ?? null,
      // What was stored by an earlier build has none.
      projected: standing?.projected ?? null,
      ratio: standing?.ratio ?? null,
      difference: standing?.difference ?? null,
      asOfMs: standing?.asOfMs ?? null,
      shift: standing?.subject.shift ?? null,
    },
    latestResult: result === null ? null : resultView(result),
  };
}

function resultView(
  result: NonNullable<PostRow['result']>,
): z.infer<typeof PostView.shape.latestResult> {
  return {
    resultKey: result.resultKey,
    revision: result.revision,
    verdict: result.verdict,
    caps: [...result.caps],
    basis: result.basis,
    lowerBound: result.window.lowerBound,
    estimate: result.window.estimate,
    ratio: result.ratio,
    difference: result.difference,
    coverage: result.coverage,
    shift: result.subject.shift,
  };
}
