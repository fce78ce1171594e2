import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import type { Kysely } from 'kysely';
import { z } from 'zod';
import type { Database } from '../../database/schema.ts';
import { DeviceId, MetricName } from '../../model/ids.ts';
import { DAY_MS, MINUTE_MS } from '../../model/time.ts';
import type { ApiDeps } from '../deps.ts';
import { ApiError } from '../errors.ts';
import { ChannelView, Millis } from '../views.ts';

/** Minute cells of one answer at most: a wider range is refused with RANGE_TOO_WIDE. */
export const SERIES_POINTS_MAX = 2_000;

const Query = z.strictObject({
  device: DeviceId,
  metric: MetricName,
  fromMs: z.coerce.number().int().min(0).optional(),
  toMs: z.coerce.number().int().min(0).optional(),
});

const SeriesView = z.object({
  channel: ChannelView,
  fromMs: Millis,
  toMs: Millis,
  points: z
    .array(
      z.object({
        minuteMs: Millis,
        unit: z.string(),
        mean: z.number().nullable(),
        max: z.number().nullable(),
        coveredSeconds: z.int(),
        excludedSeconds: z.int(),
      }),
    )
    .describe('Ascending; a minute without a point was not observed'),
});

/** Minute cells of one channel over `[fromMs, toMs)`; by default the 24 h up to its newest cell. */
export const seriesRoutes =
  ({ db }: Pick<ApiDeps, 'db'>): FastifyPluginAsyncZod =>
  async (app) => {
    app.get(
      '/series',
      {
        schema: {
          tags: ['readings'],
          summary: `Minute cells of a channel, at most ${SERIES_POINTS_MAX}`,
          querystring: Query,
          response: { 200: SeriesView },
        },
      },
      async (request) => {
        const { device, metric } = request.query;
        const toMs = request.query.toMs ?? (await newestCellEnd(db, device, metric));
        const fromMs = request.query.fromMs ?? Math.max(0, toMs - DAY_MS);
        const minutes = Math.ceil((toMs - fromMs) / MINUTE_MS);
        if (minutes > SERIES_POINTS_MAX) {
          throw new ApiError(
            'RANGE_TOO_WIDE',
            `Cannot give ${minutes} minutes at once: the most is ${SERIES_POINTS_MAX}`,
          );
        }
        return {
          channel: { device, metric },
          fromMs,
          toMs,
          points: await readCells(db, { device, metric, fromMs, toMs }),
        };
      },
    );
  };

/** End of the channel's newest minute; 0: it has none. */
async function newestCellEnd(
  db: Kysely<Database>,
  device: string,
  metric: string,
): Promise<number> {
  const newest = await db
    .selectFrom('telemetry.minute_cell')
    .select('minute_ms')
    .where('device', '=', device)
    .where('metric', '=', metric)
    .orderBy('minute_ms', 'desc')
    .limit(1)
    .executeTakeFirst();
  return newest === undefined ? 0 : newest.minute_ms + MINUTE_MS;
}

async function readCells(
  db: Kysely<Database>,
  range: { device: string; metric: string; fromMs: number; toMs: number },
): Promise<z.infer<typeof SeriesView>['points']> {
  const cells = await db
    .selectFrom('telemetry.minute_cell')
    .select(['minute_ms', 'unit', 'mean', 'max', 'covered_seconds', 'excluded_seconds'])
    .where('device', '=', range.device)
    .where('metric', '=', range.metric)
    .where('minute_ms', '>=', range.fromMs)
    .where('minute_ms', '<', range.toMs)
    .orderBy('minute_ms')
    .limit(SERIES_POINTS_MAX)
    .execute();
  return cells.map((cell) => ({
    minuteMs: cell.minute_ms,
    unit: cell.unit,
    mean: cell.mean,
    max: cell.max,
    coveredSeconds: cell.covered_seconds,
    excludedSeconds: cell.excluded_seconds,
  }));
}
