import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { ApiError } from '../errors.ts';
import type { LiveFeed } from '../live-feed.ts';

/** Milliseconds after which a browser opens a lost stream again. */
const RETRY_MS = 3_000;

/** `GET /live`: server-sent events `status` (as `GET /status`) and `unavailable`. */
export const liveRoutes =
  (feed: LiveFeed): FastifyPluginAsyncZod =>
  async (app) => {
    app.get(
      '/live',
      {
        exposeHeadRoute: false,
        schema: {
          tags: ['operation'],
          summary:
            'Server-sent events: `status` when it changed, `unavailable` when it cannot be read',
        },
      },
      (_request, reply) => {
        const stream = reply.raw;
        if (!feed.add(stream)) {
          throw new ApiError('TOO_MANY_STREAMS', 'Cannot open one more live stream');
        }
        reply.hijack();
        stream.writeHead(200, {
          'content-type': 'text/event-stream; charset=utf-8',
          'cache-control': 'no-store',
          connection: 'close',
          'x-accel-buffering': 'no',
        });
        stream.write(`retry: ${RETRY_MS}\n\n`);
      },
    );
  };
