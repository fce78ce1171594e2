import { connect, type DatabaseConnection } from '../database/connect.ts';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../database/embedded.ts';
import { migrate } from '../database/migrate.ts';
import type { Logger } from '../process/log.ts';
import type { ShutdownStack } from '../process/shutdown.ts';
import type { HubConfig } from './config.ts';
import { createDatabaseProbe } from './database-probe.ts';

/** The migrated database of a hub process. */
export interface HubDatabase extends Pick<DatabaseConnection, 'db' | 'pool'> {
  readonly url: string;
  readiness(): Promise<{ name: string; ok: boolean; detail: string }>;
}

/** The PostgreSQL of the settings, or the embedded one; closed by the stack. Throws what failed. */
export async function openHubDatabase(
  config: HubConfig,
  deps: { readonly log: Logger; readonly signal: AbortSignal },
  stack: ShutdownStack,
): Promise<HubDatabase> {
  const { url: givenUrl, connectionsMax } = config.database;
  const embedded = givenUrl === undefined ? await embeddedDatabase(config, deps, stack) : null;
  const url = givenUrl ?? (embedded as EmbeddedPostgres).url;
  const database = connect(url, {
    connectionsMax,
    onError: (error) => deps.log.warn({ error: error.message }, 'idle database connection broke'),
  });
  stack.push('database connections', database.close);
  await migrate(database.db);
  const ask = createDatabaseProbe(database.pool);
  return {
    db: database.db,
    pool: database.pool,
    url,
    async readiness() {
      const away = embedded?.failure() ?? null;
      const answer = away === null ? await ask() : { ok: false, detail: away };
      return { name: 'database', ...answer };
    },
  };
}

/** The close stands before the start has ended: a start that is broken off stops its server itself. */
function embeddedDatabase(
  config: HubConfig,
  { log, signal }: { readonly log: Logger; readonly signal: AbortSignal },
  stack: ShutdownStack,
): Promise<EmbeddedPostgres> {
  const starting = startEmbeddedPostgres({
    dataDir: config.dataDir,
    port: config.database.port,
    log: log.child({ part: 'postgres' }),
    signal,
  });
  stack.push('embedded PostgreSQL', () =>
    starting.then(
      (postgres) => postgres.close(),
      () => undefined,
    ),
  );
  return starting;
}
