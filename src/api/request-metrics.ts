import type { FastifyInstance } from 'fastify';
import { Gauge, Histogram, type Registry } from 'prom-client';
import type { LiveFeed } from './live-feed.ts';

/** Counts and times answers by route pattern, never by address: the number of series is bounded. */
export function measureRequests(app: FastifyInstance, registry: Registry, feed: LiveFeed): void {
  const seconds = new Histogram({
    name: 'wugan_http_request_seconds',
    help: 'Time from request to answer, by route and status',
    labelNames: ['route', 'status'],
    buckets: [0.005, 0.02, 0.1, 0.5, 2, 10],
    registers: [registry],
  });
  new Gauge({
    name: 'wugan_http_live_streams',
    help: 'Open live streams',
    registers: [registry],
    collect() {
      this.set(feed.streams);
    },
  });
  app.addHook('onResponse', async (request, reply) => {
    const route = request.routeOptions.url ?? 'none';
    seconds.observe({ route, status: String(reply.statusCode) }, reply.elapsedTime / 1_000);
  });
}
