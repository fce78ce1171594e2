import fastifySwagger from '@fastify/swagger';
import Fastify, { type FastifyInstance } from 'fastify';
import {
  jsonSchemaTransform,
  serializerCompiler,
  validatorCompiler,
} from 'fastify-type-provider-zod';
import type { ApiDeps } from './deps.ts';
import { answerErrors, refuseAddress } from './errors.ts';
import { createLiveFeed, LIVE_FEED, type LiveFeedSettings } from './live-feed.ts';
import { servePage } from './page-assets.ts';
import { measureRequests } from './request-metrics.ts';
import { clueRoutes } from './routes/clues.ts';
import { deadLetterRoutes } from './routes/dead-letters.ts';
import { evidenceRoutes } from './routes/evidence.ts';
import { gatewayCommandRoutes } from './routes/gateway-commands.ts';
import { healthRoutes } from './routes/health.ts';
import { liveRoutes } from './routes/live.ts';
import { postRoutes } from './routes/posts.ts';
import { resultRoutes } from './routes/results.ts';
import { seriesRoutes } from './routes/series.ts';
import { signalRoutes } from './routes/signals.ts';
import { statusRoutes } from './routes/status.ts';
import { readStatus } from './status.ts';

export type { ApiDeps, Readiness, ReadinessCheck } from './deps.ts';

/** Only commands have a body, and a small one. */
const BODY_BYTES_MAX = 64 * 1024;
const REQUEST_MS_MAX = 30_000;
/**
 * What is still open this long after the server stopped listening is cut: browsers open connections
 * ahead, and one that never sent a request counts as busy.
 */
const CLOSE_MS_MAX = 1_000;
const PREFIX = '/api/v1';

export interface ApiSettings {
  readonly host: string;
  /** 0: any free port; the address that came of it is in `url`. */
  readonly port: number;
}

/**
 * The HTTP API and the page, not listening yet: tests use `inject`. `close()` of the instance ends the
 * live streams and is bounded in time.
 */
export function buildApi(deps: ApiDeps, live: LiveFeedSettings = LIVE_FEED): FastifyInstance {
  const app = Fastify({
    logger: false,
    bodyLimit: BODY_BYTES_MAX,
    requestTimeout: REQUEST_MS_MAX,
    routerOptions: { maxParamLength: 100 },
    frameworkErrors: refuseAddress,
  });
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(serializerCompiler);
  answerErrors(app, deps.log);

  const read = () => readStatus(deps.db, deps.shard, deps.stats);
  const feed = createLiveFeed(read, deps.log, live);
  app.addHook('preClose', async () => {
    feed.close();
    const cut = setTimeout(() => app.server.closeAllConnections(), CLOSE_MS_MAX);
    app.server.once('close', () => clearTimeout(cut));
  });
  measureRequests(app, deps.registry, feed);

  app.register(fastifySwagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'wugan',
        version: '1',
        description: 'Posts, results, clues and evidence. Telemetry is a clue, never a violation.',
      },
      components: { securitySchemes: { operator: { type: 'http', scheme: 'bearer' } } },
    },
    transform: jsonSchemaTransform,
  });
  app.register(healthRoutes(deps));
  app.register(
    async (v1) => {
      v1.register(clueRoutes(deps));
      v1.register(evidenceRoutes(deps));
      v1.register(postRoutes(deps));
      v1.register(resultRoutes(deps));
      v1.register(seriesRoutes(deps));
      v1.register(signalRoutes(deps));
      v1.register(statusRoutes(read));
      v1.register(deadLetterRoutes(deps));
      v1.register(gatewayCommandRoutes(deps));
      v1.register(liveRoutes(feed));
      v1.get('/openapi.json', { schema: { hide: true } }, async () => app.swagger());
    },
    { prefix: PREFIX },
  );
  servePage(app);
  return app;
}

/** What every process answers: `/healthz`, `/readyz`, `/metrics`. Not listening yet. */
function buildHealth(deps: HealthDeps): FastifyInstance {
  const app = Fastify({ logger: false, requestTimeout: REQUEST_MS_MAX });
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(serializerCompiler);
  answerErrors(app, deps.log);
  app.register(healthRoutes(deps));
  return app;
}

type HealthDeps = Pick<ApiDeps, 'ready' | 'registry' | 'log'>;

interface Listening {
  readonly url: string;
  close(): Promise<void>;
}

/** Starts listening. Throws with the address and the setting to change when it can't. */
export const startApi = (settings: ApiSettings, deps: ApiDeps): Promise<Listening> =>
  listen(buildApi(deps), settings);

/** The same without API and page: how a process without them says how it is. */
export const startHealth = (settings: ApiSettings, deps: HealthDeps): Promise<Listening> =>
  listen(buildHealth(deps), settings);

async function listen(app: FastifyInstance, { host, port }: ApiSettings): Promise<Listening> {
  try {
    const url = await app.listen({ host, port });
    return { url, close: () => app.close() };
  } catch (error) {
    await app.close();
    const { code } = error as NodeJS.ErrnoException;
    const why = code === 'EADDRINUSE' ? 'the port is in use' : String(error);
    throw new Error(
      `Cannot serve HTTP on ${host}:${port}: ${why}. Choose another with the setting http.port.`,
      { cause: error },
    );
  }
}
