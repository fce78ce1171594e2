import type pg from 'pg';
import { listenTo } from '../database/listen.ts';
import type { Logger } from '../process/log.ts';
import { type HubAnswer, HubRequest, REQUEST_CHANNEL, REQUEST_MS_MAX } from './hub-request.ts';

const RECONNECT_MS_MAX = 5_000;
/** A notification that was missed costs so much. */
const LOOK_MS = 2_000;
const KEPT = '1 day';

/**
 * Does what other processes ask of the role ingest, each request once, and answers. A request that
 * nobody waits for any more is left.
 */
export function answerRequests(deps: {
  readonly pool: pg.Pool;
  readonly databaseUrl: string;
  readonly shard: string;
  readonly log: Logger;
  readonly carryOut: (request: HubRequest) => Promise<HubAnswer>;
}): { close(): Promise<void> } {
  const { pool, databaseUrl, shard, log, carryOut } = deps;
  let looking: Promise<void> | undefined;
  let again = false;

  async function take(): Promise<{ id: number; request: unknown }[]> {
    const { rows } = await pool.query<{ id: number; request: unknown }>(
      `with old as (
         delete from telemetry.hub_request where shard = $1 and made_at < now() - interval '${KEPT}'
       )
       update telemetry.hub_request set taken_at = now() where id in (
         select id from telemetry.hub_request
         where shard = $1 and taken_at is null
           and made_at > now() - make_interval(secs => ${REQUEST_MS_MAX / 1_000})
         for update skip locked)
       returning id, request`,
      [shard],
    );
    return rows;
  }

  async function answer(id: number, request: unknown): Promise<void> {
    const given = await carryOut(HubRequest.parse(request)).catch(
      (error: Error): HubAnswer => ({ ok: false, reason: 'failed', detail: error.message }),
    );
    await pool.query('update telemetry.hub_request set answer = $2 where id = $1', [
      id,
      JSON.stringify(given),
    ]);
  }

  function look(): void {
    if (looking !== undefined) {
      again = true;
      return;
    }
    looking = take()
      .then((requests) => {
        // A gateway may take 10 s to answer: others are not held up by it.
        for (const { id, request } of requests) void answer(id, request).catch(failed);
      })
      .catch(failed)
      .finally(() => {
        looking = undefined;
        if (again) {
          again = false;
          look();
        }
      });
  }
  const failed = (error: Error): void =>
    log.warn({ error: error.message }, 'cannot answer a request of another process');

  const listener = listenTo({
    ...{ databaseUrl, channel: REQUEST_CHANNEL, reconnectMsMax: RECONNECT_MS_MAX, log },
    onListening: look,
    onNotified: look,
  });
  const timer = setInterval(look, LOOK_MS);
  return {
    async close() {
      clearInterval(timer);
      again = false;
      await listener.close();
      await looking;
    },
  };
}
