import type { FastifyInstance } from 'fastify';
import type { Kysely } from 'kysely';
import { Registry } from 'prom-client';
import type { ApiDeps } from '../../src/api/deps.ts';
import type { LiveFeedSettings } from '../../src/api/live-feed.ts';
import { buildApi } from '../../src/api/server.ts';
import type { Database } from '../../src/database/schema.ts';
import { createTestDatabase, silentLog, type TestDatabase } from '../database/test-database.ts';

export interface TestApi {
  readonly app: FastifyInstance;
  readonly db: Kysely<Database>;
  readonly database: TestDatabase;
  readonly registry: Registry;
  /** Status and parsed body of a GET. */
  get(url: string): Promise<{ status: number; body: unknown }>;
  close(): Promise<void>;
}

export const depsOf = (database: TestDatabase, changes: Partial<ApiDeps> = {}): ApiDeps => ({
  db: database.db,
  shard: 'main',
  registry: new Registry(),
  ready: async () => ({ ok: true, checks: [] }),
  stats: () => ({}),
  replayLetter: async () => ({ ok: false, reason: 'not-found', detail: 'none' }),
  command: async () => ({ ok: false, reason: 'unknown-gateway', detail: 'none' }),
  operatorToken: null,
  log: silentLog,
  ...changes,
});

/** The API on a database of its own, not listening. */
export async function createTestApi(
  changes: Partial<ApiDeps> = {},
  live?: LiveFeedSettings,
): Promise<TestApi> {
  const database = await createTestDatabase();
  const deps = depsOf(database, changes);
  const app = buildApi(deps, live);
  return {
    app,
    db: database.db,
    database,
    registry: deps.registry,
    async get(url) {
      const answer = await app.inject({ method: 'GET', url });
      return { status: answer.statusCode, body: answer.json() };
    },
    async close() {
      await app.close();
      await database.close();
    },
  };
}
