import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { ApiDeps } from '../deps.ts';
import { ErrorResponse, errorBody } from '../errors.ts';

const Check = z.object({ name: z.string(), ok: z.boolean(), detail: z.string() });

/** `/healthz`: the process answers. `/readyz`: it can take work; 503 names what fails. */
export const healthRoutes =
  ({ ready, registry }: Pick<ApiDeps, 'ready' | 'registry'>): FastifyPluginAsyncZod =>
  async (app) => {
    app.get(
      '/healthz',
      {
        schema: {
          tags: ['operation'],
          summary: 'Whether the process is alive',
          response: { 200: z.object({ ok: z.literal(true) }) },
        },
      },
      async () => ({ ok: true as const }),
    );

    app.get(
      '/readyz',
      {
        schema: {
          tags: ['operation'],
          summary: 'Whether the hub can take work',
          response: {
            200: z.object({ ok: z.literal(true), checks: z.array(Check) }),
            503: ErrorResponse.extend({ checks: z.array(Check) }),
          },
        },
      },
      async (_request, reply) => {
        const { ok, checks } = await ready();
        if (ok) return { ok: true as const, checks: [...checks] };
        const failing = checks
          .filter((check) => !check.ok)
          .map((check) => `${check.name} (${check.detail})`);
        const body = errorBody('NOT_READY', `Not ready: ${failing.join(', ')}`);
        return reply.code(503).send({ ...body, checks: [...checks] });
      },
    );

    app.get(
      '/metrics',
      { schema: { tags: ['operation'], summary: 'Prometheus metrics, as text' } },
      async (_request, reply) => {
        const text = await registry.metrics();
        return reply.type(registry.contentType).send(text);
      },
    );
  };
