import type { Kysely } from 'kysely';
import { sql } from 'kysely';
import type { Database } from '../database/schema.ts';
import type { Logger } from '../process/log.ts';

const EVERY_MS = 1_000;
/** Rows of processes that ended without a word are deleted after this. */
const KEPT = '1 hour';

/** Tells the other processes of the hub, once a second, that this one is there, and its numbers. */
export function tellOfProcess(
  db: Kysely<Database>,
  {
    process,
    shard,
    roles,
    stats,
    log,
  }: {
    readonly process: string;
    readonly shard: string;
    readonly roles: readonly string[];
    readonly stats: () => object;
    readonly log: Logger;
  },
): { close(): Promise<void> } {
  let telling: Promise<void> | undefined;

  async function tell(): Promise<void> {
    const row = { process, shard, roles: [...roles], stats: JSON.stringify(stats()) };
    await db
      .with('old', (old) =>
        old
          .deleteFrom('telemetry.hub_process')
          .where('seen_at', '<', sql<Date>`now() - interval '${sql.raw(KEPT)}'`),
      )
      .insertInto('telemetry.hub_process')
      .values({ ...row, seen_at: sql<Date>`now()` })
      .onConflict((conflict) =>
        conflict.column('process').doUpdateSet({ ...row, seen_at: sql<Date>`now()` }),
      )
      .execute();
  }

  const timer = setInterval(() => {
    telling ??= tell()
      .catch((error: Error) => log.debug({ error: error.message }, 'cannot tell of this process'))
      .finally(() => {
        telling = undefined;
      });
  }, EVERY_MS);
  return {
    async close() {
      clearInterval(timer);
      await telling;
      await db
        .deleteFrom('telemetry.hub_process')
        .where('process', '=', process)
        .execute()
        .catch(() => undefined);
    },
  };
}
