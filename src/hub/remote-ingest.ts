import type pg from 'pg';
import { z } from 'zod';
import type { ApiDeps } from '../api/deps.ts';
import type { Ingest } from '../ingest/ingest.ts';
import { fail, ok, type Result } from '../model/result.ts';
import { askIngest } from './ask-ingest.ts';
import type { HubAnswer, HubRequest } from './hub-request.ts';

/** What the API has done by the role ingest. */
export type IngestActions = Pick<ApiDeps, 'command' | 'replayLetter'>;

const CommandAnswer = z.object({ at: z.number(), result: z.unknown() });
const ReplayOutcome = z.enum(['stored', 'duplicate']);
const CommandRefusal = z.enum(['unknown-gateway', 'broker-away', 'no-ingest']).catch('no-ingest');
const ReplayFault = z
  .enum(['not-found', 'not-a-message', 'unknown-gateway', 'still-unusable', 'no-ingest'])
  .catch('no-ingest');

/** The actions of the process that has the role ingest, asked through the database. */
export const remoteIngest = (pool: pg.Pool, shard: string): IngestActions => ({
  async command(gateway, order) {
    const answer = await askIngest(pool, shard, { kind: 'command', gateway, order });
    if (!answer.ok) return fail(CommandRefusal.parse(answer.reason), answer.detail);
    const { at, result } = CommandAnswer.parse(answer.value);
    return ok({ at, result });
  },
  async replayLetter(id) {
    const answer = await askIngest(pool, shard, { kind: 'replay-letter', id });
    if (answer.ok) return ok(ReplayOutcome.parse(answer.value));
    return fail(ReplayFault.parse(answer.reason), answer.detail);
  },
});

/** The other end: does the request with the ingest of this process. */
export async function carryOutBy(ingest: Ingest, request: HubRequest): Promise<HubAnswer> {
  const answer: Result<unknown, string> =
    request.kind === 'command'
      ? await ingest.command(request.gateway, request.order)
      : await ingest.replayLetter(request.id);
  return answer.ok ? { ok: true, value: answer.value } : answer;
}
