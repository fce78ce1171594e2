import { Kysely, PostgresDialect } from 'kysely';
import pg from 'pg';
import type { Database } from './schema.ts';

/** OID of int8: positions and times fit into a number (all stay far below 2^53). */
const INT8_OID = 20;

export interface DatabaseConnection {
  readonly db: Kysely<Database>;
  readonly pool: pg.Pool;
  close(): Promise<void>;
}

/**
 * A pool of at most `connectionsMax` connections. `onError` hears of idle connections that broke: the
 * pool replaces them, the process must not die of it.
 */
export function connect(
  url: string,
  { connectionsMax = 10, onError }: { connectionsMax?: number; onError: (error: Error) => void },
): DatabaseConnection {
  const pool = new pg.Pool({
    connectionString: url,
    max: connectionsMax,
    connectionTimeoutMillis: 10_000,
    types: {
      getTypeParser: ((oid: number, format?: 'text' | 'binary') =>
        oid === INT8_OID && format !== 'binary'
          ? Number
          : pg.types.getTypeParser(oid, format)) as typeof pg.types.getTypeParser,
    },
  });
  pool.on('error', onError);
  // A connection that breaks between two queries of a transaction: its next query fails and says so.
  pool.on('connect', (client) => client.on('error', () => undefined));
  const db = new Kysely<Database>({ dialect: new PostgresDialect({ pool }) });
  return {
    db,
    pool,
    async close() {
      await db.destroy();
      // A kysely that was never asked anything doesn't end its pool.
      if (!pool.ending) await pool.end();
    },
  };
}
