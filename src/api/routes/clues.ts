import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { CLUE_MOVES, type ClueState } from '../../alerts/lifecycle.ts';
import { PostId, Uscc } from '../../model/ids.ts';
import { ClueHistoryView, readClueHistory } from '../clue-history.ts';
import { readClueRows } from '../clue-rows.ts';
import { ClueView, toClueView } from '../clue-view.ts';
import type { ApiDeps } from '../deps.ts';
import { ApiError } from '../errors.ts';
import { decodeCursor, NextCursor, PageQuery, pageOf } from '../page-cursor.ts';

const ClueDetailView = ClueView.extend({
  body: z
    .record(z.string(), z.unknown())
    .describe(
      'The whole of what is shown: as released last; before the first release, as it waits',
    ),
  ...ClueHistoryView.shape,
});

const ListQuery = z.strictObject({
  ...PageQuery,
  enterprise: Uscc.optional(),
  post: PostId.optional(),
  state: z.enum(Object.keys(CLUE_MOVES) as [ClueState, ...ClueState[]]).optional(),
});

/** Clues, and everything that is known of one. A clue is never a violation: only an officer says that. */
export const clueRoutes =
  ({ db }: Pick<ApiDeps, 'db'>): FastifyPluginAsyncZod =>
  async (app) => {
    app.get(
      '/clues',
      {
        schema: {
          tags: ['clues'],
          summary: 'Clues, newest first',
          querystring: ListQuery,
          response: { 200: z.object({ items: z.array(ClueView), nextCursor: NextCursor }) },
        },
      },
      async (request) => {
        const { limit, cursor, ...filters } = request.query;
        const fetched = await readClueRows(db, {
          ...filters,
          rowsMax: limit + 1,
          after: decodeCursor(cursor, z.tuple([z.int(), z.string()])),
        });
        const { rows, nextCursor } = pageOf(fetched, limit, (row) => [row.opened_pos, row.clue_no]);
        return { items: rows.map(toClueView), nextCursor };
      },
    );

    app.get(
      '/clues/:clueNo',
      {
        schema: {
          tags: ['clues'],
          summary: 'One clue with its events, pushes, receipts and evidence',
          params: z.object({
            clueNo: z.string().regex(/^[\w-]{1,64}$/, 'expected the number of a clue'),
          }),
          response: { 200: ClueDetailView },
        },
      },
      async (request) => {
        const { clueNo } = request.params;
        const [row] = await readClueRows(db, { rowsMax: 1, clueNo });
        if (row === undefined) throw new ApiError('CLUE_NOT_FOUND', `No clue ${clueNo}`);
        const { ledger: _, pending: _pending, ...body } = row.body;
        return { ...toClueView(row), body, ...(await readClueHistory(db, clueNo)) };
      },
    );
  };
