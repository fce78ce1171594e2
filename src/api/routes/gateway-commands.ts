import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { CommandOrder } from '../../model/command-order.ts';
import { GatewayId } from '../../model/ids.ts';
import type { ApiDeps } from '../deps.ts';
import { ApiError } from '../errors.ts';
import { requireOperator } from '../operator.ts';
import { Millis } from '../views.ts';

const CODES = {
  'unknown-gateway': 'GATEWAY_NOT_FOUND',
  'broker-away': 'BROKER_UNAVAILABLE',
  'no-ingest': 'INGEST_UNAVAILABLE',
} as const;

/** Commands to gateways, each signed by the hub and obeyed once. */
export const gatewayCommandRoutes =
  (deps: Pick<ApiDeps, 'command' | 'operatorToken'>): FastifyPluginAsyncZod =>
  async (app) => {
    app.post(
      '/gateways/:id/commands',
      {
        onRequest: requireOperator(deps),
        schema: {
          tags: ['operation'],
          summary: 'Sends a command to a gateway and waits up to 10 s for its answer',
          security: [{ operator: [] }],
          params: z.object({ id: GatewayId }),
          body: CommandOrder,
          response: { 200: z.object({ at: Millis, result: z.unknown() }) },
        },
      },
      async (request) => {
        const { id } = request.params;
        const sent = await deps.command(id, request.body);
        if (sent.ok) return { at: sent.value.at, result: sent.value.result };
        throw new ApiError(CODES[sent.reason], `Cannot command gateway ${id}: ${sent.detail}`);
      },
    );
  };
