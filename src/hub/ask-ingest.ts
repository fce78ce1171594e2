import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { fail, type Result } from '../model/result.ts';
import { HubAnswer, type HubRequest, REQUEST_CHANNEL, REQUEST_MS_MAX } from './hub-request.ts';

const LOOK_MS = 100;

/**
 * Has the process with the role ingest do something, and waits for its word. `no-ingest`: none answered
 * in time. Throws what the database throws.
 */
export async function askIngest(
  pool: pg.Pool,
  shard: string,
  request: HubRequest,
  answerMsMax = REQUEST_MS_MAX,
): Promise<Result<unknown, string>> {
  const { rows } = await pool.query<{ id: number }>(
    `with made as (
       insert into telemetry.hub_request (shard, request) values ($1, $2) returning id
     ) select id, pg_notify('${REQUEST_CHANNEL}', $1) from made`,
    [shard, JSON.stringify(request)],
  );
  const id = rows[0]?.id as number;
  const untilMs = performance.now() + answerMsMax;
  while (performance.now() < untilMs) {
    await sleep(LOOK_MS);
    const found = await pool.query<{ answer: unknown }>(
      'select answer from telemetry.hub_request where id = $1 and answer is not null',
      [id],
    );
    const row = found.rows[0];
    if (row === undefined) continue;
    const answer = HubAnswer.parse(row.answer);
    return answer.ok ? { ok: true, value: answer.value } : answer;
  }
  return fail('no-ingest', 'no process with the role ingest answered');
}
