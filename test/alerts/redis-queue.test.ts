import { sql } from 'kysely';
import { Registry } from 'prom-client';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type RunningAlerts, startAlerts } from '../../src/alerts/alerts.ts';
import { projectFact } from '../../src/devices/projection.ts';
import type { Signal } from '../../src/model/exposure.ts';
import { Fact } from '../../src/model/facts.ts';
import { PostId } from '../../src/model/ids.ts';
import { HOUR_MS } from '../../src/model/time.ts';
import { createTestDatabase, silentLog, type TestDatabase } from '../database/test-database.ts';
import { registryFacts } from '../devices/registry-samples.ts';
import {
  FIRST_POS,
  outputs,
  overLimit,
  projectRegistry,
  SHARD,
  SHIFT_END_MS,
  settings,
} from './exceedances.ts';
import { createRedisServer, type RedisServer } from './redis-server.ts';
import { type ScriptedPlatform, startScriptedPlatform } from './scripted-platform.ts';

let database: TestDatabase;
let platform: ScriptedPlatform;
let redis: RedisServer;
let alerts: RunningAlerts;
let pos: number;

beforeEach(async () => {
  [database, platform, redis] = await Promise.all([
    createTestDatabase(),
    startScriptedPlatform(),
    createRedisServer(),
  ]);
  await projectRegistry(database.db);
  await projectPosts(50);
  pos = FIRST_POS - 1;
});
afterEach(async () => {
  redis.resume();
  await alerts.close();
  await redis.close();
  await platform.close();
  await database.close();
});

async function start(redriveMs = 300): Promise<void> {
  alerts = await startAlerts(
    settings({
      platform: { url: platform.url, accessKey: 'AK', secretKey: 'SK', timeoutMs: 500 },
      waits: { markingWindowMs: 0, markingMinimumMs: 0, shortTermWaitMs: 0 },
      retry: { backoffMsMin: 10, backoffMsMax: 40, redriveMs },
    }),
    {
      ...{ db: database.db, databaseUrl: database.url, redisUrl: redis.url },
      ...{ log: silentLog, metrics: new Registry(), now: Date.now },
    },
  );
}

/** One journal entry with signals, all of it due at once. */
async function entry(...signals: readonly Signal[]): Promise<void> {
  pos += 1;
  const at = { shard: SHARD, pos, receivedAtMs: SHIFT_END_MS + HOUR_MS, kind: 'batch' } as const;
  await database.db.transaction().execute((tx) => alerts.apply(tx, at, outputs(...signals)));
}

/** Posts like that of the samples, so that there can be as many clues. */
async function projectPosts(count: number): Promise<void> {
  const fact = registryFacts().find(({ entity }) => entity === 'post');
  if (fact?.entity !== 'post' || fact.value === null) throw new Error('no post in the samples');
  const { value } = fact;
  await database.db.transaction().execute(async (tx) => {
    for (let n = 0; n < count; n++) {
      const id = PostId.parse(`post-${n}`);
      const post = Fact.parse({ ...fact, id, value: { ...value, id } });
      await projectFact(tx, { shard: SHARD, pos: FIRST_POS - count + n }, post);
    }
  });
}

/** Signals of `count` clues, each of a post of its own. */
const clues = (count: number, from = 0): Signal[] =>
  Array.from({ length: count }, (_, n) => overLimit({ post: `post-${from + n}` }));

async function states(): Promise<Record<string, number>> {
  const { rows } = await sql<{ state: string; rows: number }>`
    select state, count(*)::int as rows from enforcement.outbox group by state`.execute(
    database.db,
  );
  return Object.fromEntries(rows.map(({ state, rows: count }) => [state, count]));
}
const sent = (count: number): Promise<void> =>
  expect.poll(states, { timeout: 30_000, interval: 20 }).toEqual({ sent: count });

const once = (): boolean => new Set(platform.taken).size === platform.taken.length;

describe('the queue in Redis', () => {
  it('carries a push at once after the commit, and leaves nothing behind', async () => {
    await redis.start();
    // Nothing here is due to a re-drive.
    await start(60_000);
    await entry(overLimit());
    await sent(1);
    expect(platform.taken).toHaveLength(1);
    const tables = await sql`select 1 from pg_tables where schemaname = 'queue'`.execute(
      database.db,
    );
    expect(tables.rows).toEqual([]);
    await expect
      .poll(async () =>
        ((await redis.command('keys', '*')) as string[]).filter((key) => /CL\d/.test(key)),
      )
      .toEqual([]);
  });

  it('gets its jobs again from the outbox after FLUSHALL', async () => {
    await redis.start();
    await start();
    platform.script.push({ do: 'say', status: 503, retryAfter: '1' });
    await entry(overLimit());
    await vi.waitFor(() => expect(platform.requests).toHaveLength(1), { timeout: 30_000 });
    await redis.command('flushall');
    await sent(1);
    expect(platform.taken).toHaveLength(1);
  });

  it('loses nothing and sends nothing twice when it is wiped under load, again and again', async () => {
    await redis.start();
    await start();
    platform.script.push(
      ...Array.from({ length: 40 }, () => ({ do: 'take', afterMs: 15 }) as const),
    );
    await entry(...clues(40));
    for (const share of [5, 15, 25]) {
      await vi.waitFor(() => expect(platform.taken.length).toBeGreaterThan(share), {
        timeout: 30_000,
      });
      await redis.command('flushall');
    }
    await sent(40);
    expect(once()).toBe(true);
    expect(platform.taken).toHaveLength(40);
  });

  it('may be away at the start: nothing waits for it, and it catches up', async () => {
    await start();
    await entry(...clues(3));
    expect(await states()).toEqual({ pending: 3 });
    await redis.start();
    await sent(3);
    expect(platform.taken).toHaveLength(3);
  });

  it('may be killed, with its jobs, while pushes are under way', async () => {
    await redis.start();
    await start();
    platform.script.push(
      ...Array.from({ length: 20 }, () => ({ do: 'take', afterMs: 25 }) as const),
    );
    await entry(...clues(20));
    await vi.waitFor(() => expect(platform.taken.length).toBeGreaterThan(3), { timeout: 30_000 });
    await redis.kill();
    await entry(...clues(1, 20));
    await redis.start();
    await sent(21);
    expect(once()).toBe(true);
    expect(platform.taken).toHaveLength(21);
  });

  it('may hang: the outbox keeps what is to send', async () => {
    await redis.start();
    await start();
    await entry(overLimit());
    await sent(1);
    redis.stop();
    await entry(...clues(1));
    expect(await states()).toEqual({ sent: 1, pending: 1 });
    redis.resume();
    await sent(2);
    expect(platform.taken).toHaveLength(2);
  });

  it('does not hold up the close when it is away', async () => {
    await redis.start();
    await start();
    await entry(overLimit());
    await sent(1);
    await redis.kill();
    await entry(...clues(1));
    // A close that waits for Redis ends at the test's time-out.
    await alerts.close();
    await redis.start();
    await start();
    await sent(2);
    expect(platform.taken).toHaveLength(2);
  });
});
