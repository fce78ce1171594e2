import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { sql } from 'kysely';
import { z } from 'zod';
import { CrewId, FactorId, PostId } from '../../model/ids.ts';
import { LimitKind } from '../../model/limits.ts';
import type { ApiDeps } from '../deps.ts';
import { decodeCursor, NextCursor, PageQuery, pageOf } from '../page-cursor.ts';
import { AppliedLimitView, Millis, ShiftView, VerdictView } from '../views.ts';

const Query = z.strictObject({
  ...PageQuery,
  post: PostId,
  crew: CrewId.optional(),
  factor: FactorId.optional(),
  limitKind: LimitKind.optional(),
  fromMs: z.coerce.number().int().min(0).optional().describe('Shifts that start at or after this'),
  toMs: z.coerce.number().int().min(0).optional().describe('Shifts that start before this'),
  revisions: z.enum(['latest', 'all']).default('latest'),
});

/** A stored result as it is; what is named here is what a reader may rely on. */
const ResultView = z.looseObject({
  resultKey: z.string(),
  revision: z.int(),
  subject: z.looseObject({ post: z.string(), crew: z.string(), shift: ShiftView }),
  basis: z.string(),
  limit: AppliedLimitView,
  verdict: VerdictView,
  caps: z.array(z.string()),
  window: z.looseObject({
    startMs: Millis,
    endMs: Millis,
    lowerBound: z.number(),
    estimate: z.number().nullable(),
  }),
  uncertainty: z.number().nullable(),
  ratio: z.number().nullable(),
  difference: z.number().nullable(),
  coverage: z.number(),
  inputHash: z.string(),
  resultHash: z.string(),
});

/** Shift results of a post, newest shift first; of each the latest revision, or all of them. */
export const resultRoutes =
  ({ db }: Pick<ApiDeps, 'db'>): FastifyPluginAsyncZod =>
  async (app) => {
    app.get(
      '/results',
      {
        schema: {
          tags: ['exposure'],
          summary: 'Shift results of a post, newest shift first',
          querystring: Query,
          response: { 200: z.object({ items: z.array(ResultView), nextCursor: NextCursor }) },
        },
      },
      async (request) => {
        const { limit, cursor, post, crew, factor, limitKind, fromMs, toMs, revisions } =
          request.query;
        const after = decodeCursor(cursor, z.tuple([z.int(), z.string(), z.int32()]));
        const conditions = [
          sql`r.post = ${post}`,
          ...(crew === undefined ? [] : [sql`r.crew = ${crew}`]),
          ...(factor === undefined ? [] : [sql`r.factor = ${factor}`]),
          ...(limitKind === undefined ? [] : [sql`r.limit_kind = ${limitKind}`]),
          ...(fromMs === undefined ? [] : [sql`r.shift_start_ms >= ${fromMs}`]),
          ...(toMs === undefined ? [] : [sql`r.shift_start_ms < ${toMs}`]),
          ...(revisions === 'all'
            ? []
            : [
                sql`not exists (select 1 from exposure.window_result newer
                  where newer.result_key = r.result_key and newer.revision > r.revision)`,
              ]),
          ...(after === undefined
            ? []
            : [
                sql`(r.shift_start_ms, r.result_key, r.revision)
                  < (${after[0]}, ${after[1]}, ${after[2]})`,
              ]),
        ];
        const found = await sql<{ result: z.infer<typeof ResultView> }>`
          select r.result from exposure.window_result r
          where ${sql.join(conditions, sql` and `)}
          order by r.shift_start_ms desc, r.result_key desc, r.revision desc
          limit ${limit + 1}`.execute(db);
        const results = found.rows.map((row) => row.result);
        const { rows, nextCursor } = pageOf(results, limit, (result) => [
          result.subject.shift.startMs,
          result.resultKey,
          result.revision,
        ]);
        return { items: [...rows], nextCursor };
      },
    );
  };
