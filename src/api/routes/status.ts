import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import type { Status } from '../status.ts';
import { StatusView } from '../status.ts';

/** What the head of the page shows, for who can't hold a stream open. */
export const statusRoutes =
  (read: () => Promise<Status>): FastifyPluginAsyncZod =>
  async (app) => {
    app.get(
      '/status',
      {
        schema: {
          tags: ['operation'],
          summary: 'Journal position, lag, and counts',
          response: { 200: StatusView },
        },
      },
      () => read(),
    );
  };
