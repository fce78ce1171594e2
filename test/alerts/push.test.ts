import { sql } from 'kysely';
import { Registry } from 'prom-client';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type RunningAlerts, startAlerts } from '../../src/alerts/alerts.ts';
import { Queue, queueConnection } from '../../src/alerts/postgres-queue.ts';
import { PUSH_QUEUE, type PushJob } from '../../src/alerts/push-queue.ts';
import type { Database } from '../../src/database/schema.ts';
import type { Signal } from '../../src/model/exposure.ts';
import { HOUR_MS } from '../../src/model/time.ts';
import { createTestDatabase, silentLog, type TestDatabase } from '../database/test-database.ts';
import { startBreakablePath } from './broken-path.ts';
import {
  FIRST_POS,
  type OverLimit,
  outputs,
  overLimit,
  projectRegistry,
  SHARD,
  SHIFT_END_MS,
  settings,
  withdrawn,
} from './exceedances.ts';
import { type ScriptedPlatform, startScriptedPlatform } from './scripted-platform.ts';

let database: TestDatabase;
let platform: ScriptedPlatform;
let alerts: RunningAlerts;
let metrics: Registry;
let pos: number;

const NO_WAITS = { markingWindowMs: 0, markingMinimumMs: 0, shortTermWaitMs: 0 };

async function start(over: object = {}, databaseUrl = database.url): Promise<RunningAlerts> {
  metrics = new Registry();
  return startAlerts(
    settings({
      platform: { url: platform.url, accessKey: 'AK', secretKey: 'SK', timeoutMs: 300 },
      waits: NO_WAITS,
      // Long enough that nothing is sent by a re-drive where a test looks at something else.
      retry: { backoffMsMin: 10, backoffMsMax: 40, redriveMs: HOUR_MS },
      ...over,
    }),
    { db: database.db, databaseUrl, log: silentLog, metrics, now: Date.now },
  );
}

beforeEach(async () => {
  [database, platform] = await Promise.all([createTestDatabase(), startScriptedPlatform()]);
  await projectRegistry(database.db);
  pos = FIRST_POS - 1;
  alerts = await start();
});
afterEach(async () => {
  await alerts.close();
  await platform.close();
  await database.close();
});

/** One journal entry with signals, all of it due at once. */
async function entry(...signals: readonly Signal[]): Promise<void> {
  pos += 1;
  const at = { shard: SHARD, pos, receivedAtMs: SHIFT_END_MS + HOUR_MS, kind: 'batch' } as const;
  await database.db.transaction().execute((tx) => alerts.apply(tx, at, outputs(...signals)));
}

const outboxStates = async (): Promise<string[]> => {
  const rows = await database.db
    .selectFrom('enforcement.outbox')
    .select('state')
    .orderBy('created_pos')
    .orderBy('idempotency_key')
    .execute();
  return rows.map(({ state }) => state);
};
const keys = async (): Promise<string[]> => {
  const rows = await database.db
    .selectFrom('enforcement.outbox')
    .select('idempotency_key')
    .execute();
  return rows.map(({ idempotency_key }) => idempotency_key);
};
const all = <T extends keyof Database>(table: T) =>
  database.db
    .selectFrom(table as 'enforcement.push')
    .selectAll()
    .execute();

const settled = (...states: string[]) =>
  expect.poll(outboxStates, { timeout: 30_000, interval: 20 }).toEqual(states);

const posts = () => platform.requests.filter(({ method }) => method === 'POST');
const methods = () => platform.requests.map(({ method }) => method).join(' ');

const byPost = (n: number): OverLimit => overLimit({ lowerBound: 30 + n, crew: `crew-${n}` });

describe('push', () => {
  it('leaves at once after the commit and brings a receipt back', async () => {
    await entry(overLimit());
    await settled('sent');
    expect(platform.taken).toHaveLength(1);
    const [request] = posts();
    expect(request?.key).toBe(platform.taken[0]);
    const clue = await database.db
      .selectFrom('enforcement.clue')
      .selectAll()
      .executeTakeFirstOrThrow();
    expect(clue).toMatchObject({
      state: 'ACKED',
      platform_no: `P-${clue.clue_no}`,
      behavior_code: 'B-1',
    });
    expect(await database.db.selectFrom('enforcement.receipt').selectAll().execute()).toMatchObject(
      [{ idempotency_key: `${clue.clue_no}-1`, platform_no: clue.platform_no }],
    );
    expect(await all('enforcement.push')).toMatchObject([
      { attempt: 1, status: 201, detail: 'accepted' },
    ]);
    const events = await database.db
      .selectFrom('enforcement.clue_event')
      .select(['seq', 'type'])
      .orderBy('seq')
      .execute();
    expect(events.map(({ type }) => type)).toEqual(['OPENED', 'FIT', 'RELEASED', 'ACKED']);
    expect(await alerts.stats()).toEqual({
      clues: 1,
      pending: 0,
      sent: 1,
      superseded: 0,
      dead: 0,
    });
  });

  it('is started by each commit, not by a re-drive', async () => {
    for (let n = 0; n < 10; n += 1) {
      await entry(overLimit({ lowerBound: 30 + n }));
      await settled(...Array.from({ length: n + 1 }, () => 'sent'));
    }
    expect(posts()).toHaveLength(10);
  });

  it('signs every attempt anew over the same bytes', async () => {
    platform.script.push({ do: 'say', status: 503, retryAfter: '1' });
    await entry(overLimit());
    await settled('sent');
    const [first, second] = posts();
    expect(second?.body).toBe(first?.body);
    expect(second?.key).toBe(first?.key);
    expect(second?.signature).not.toBe(first?.signature);
    expect(new Set((await all('enforcement.push')).map((p) => p.request_sha256)).size).toBe(1);
  });

  it('waits as long as Retry-After says, and does not ask what was turned away', async () => {
    platform.script.push({ do: 'say', status: 429, retryAfter: '1' });
    await entry(overLimit());
    await settled('sent');
    const [first, second] = posts();
    expect((second?.atMs ?? 0) - (first?.atMs ?? 0)).toBeGreaterThanOrEqual(990);
    expect(methods()).toBe('POST POST');
  });

  it('asks after a 500 and sends again what the platform does not hold', async () => {
    platform.script.push({ do: 'say', status: 500 });
    await entry(overLimit());
    await settled('sent');
    expect(methods()).toBe('POST GET POST');
    expect(platform.taken).toHaveLength(1);
  });

  it('does not send a second copy when the platform took it and the connection broke', async () => {
    platform.script.push({ do: 'take-then-drop' });
    await entry(overLimit());
    await settled('sent');
    expect(methods()).toBe('POST GET');
    expect(platform.taken).toHaveLength(1);
    expect(await all('enforcement.push')).toMatchObject([
      { attempt: 1, status: null },
      { attempt: 2, status: 200, detail: 'accepted' },
    ]);
    expect(await database.db.selectFrom('enforcement.receipt').selectAll().execute()).toHaveLength(
      1,
    );
  });

  it('loses no row between two looks at the outbox, whenever it comes due again', async () => {
    for (let n = 0; n < 30; n += 1) {
      platform.script.push({ do: 'say', status: 503 });
      await entry(overLimit({ lowerBound: 30 + n }));
      // Far below the re-drive of an hour, which would find it anyway.
      await expect
        .poll(outboxStates, { timeout: 30_000, interval: 5 })
        .toEqual(Array.from({ length: n + 1 }, () => 'sent'));
    }
  });

  it('asks after an answer that is no receipt', async () => {
    platform.script.push({ do: 'take-then-mumble' });
    await entry(overLimit());
    await settled('sent');
    expect(methods()).toBe('POST GET');
  });

  it('gives a hanging platform up after the timeout and asks', async () => {
    platform.script.push({ do: 'hang' }, { do: 'hang' });
    await entry(overLimit());
    await settled('sent');
    expect(methods()).toBe('POST GET POST GET POST');
    expect(platform.taken).toHaveLength(1);
  });

  it('stores every clue exactly once behind a platform that does everything wrong', async () => {
    platform.script.push(
      { do: 'take-then-drop' },
      { do: 'say', status: 500 },
      { do: 'hang' },
      { do: 'say', status: 429, retryAfter: '0' },
      { do: 'take-then-mumble' },
      { do: 'say', status: 502 },
      { do: 'take-then-drop' },
    );
    const kinds = ['PC_TWA', 'PC_STEL', 'MAC', 'LEX_8H'] as const;
    await entry(...kinds.map((limitKind) => overLimit({ limitKind })));
    await settled('sent', 'sent', 'sent', 'sent');
    expect(platform.taken).toHaveLength(4);
    expect(new Set(platform.taken).size).toBe(4);
  });

  it('is dead, visible and not tried again after a refusal', async () => {
    platform.script.push({ do: 'say', status: 422 });
    await entry(overLimit());
    await settled('dead');
    expect(posts()).toHaveLength(1);
    const clue = await database.db
      .selectFrom('enforcement.clue')
      .select('state')
      .executeTakeFirst();
    expect(clue?.state).toBe('PUSH_FAILED');
    const row = await database.db
      .selectFrom('enforcement.outbox')
      .select('last_error')
      .executeTakeFirst();
    expect(row?.last_error).toBe('422: {"message":"as scripted"}');
    expect((await alerts.stats()).dead).toBe(1);
    const text = await metrics.metrics();
    expect(text).toContain('wugan_outbox_rows{state="dead"} 1');
    expect(text).toContain('wugan_push_attempt_seconds_count{outcome="refused"} 1');
  });

  it('sends a later revision after one that was refused', async () => {
    platform.script.push({ do: 'say', status: 400 });
    await entry(overLimit());
    await settled('dead');
    await entry(overLimit({ lowerBound: 40 }));
    await settled('dead', 'sent');
    const clue = await database.db
      .selectFrom('enforcement.clue')
      .select('state')
      .executeTakeFirst();
    expect(clue?.state).toBe('ACKED');
  });
});

describe('pushes of one clue', () => {
  it('are on the way one at a time, in order', async () => {
    platform.script.push(
      ...Array.from({ length: 6 }, () => ({ do: 'take', afterMs: 60 }) as const),
    );
    for (let n = 0; n < 6; n += 1) {
      await entry(byPost(n));
      // Sent one by one: each revision must reach the platform before the next supersedes it.
      await vi.waitFor(() => expect(posts().length).toBeGreaterThan(n), { timeout: 30_000 });
    }
    await expect.poll(outboxStates, { timeout: 30_000 }).not.toContain('pending');
    expect(platform.inFlightMax()).toBe(1);
    const revisions = posts().map(({ body }) => JSON.parse(body).revision);
    expect(revisions).toEqual([...revisions].sort((a, b) => a - b));
    expect(revisions.at(-1)).toBe(6);
  });

  it('skip a revision that was superseded before it was sent', async () => {
    platform.script.push({ do: 'say', status: 503, retryAfter: '2' });
    await entry(overLimit());
    await vi.waitFor(() => expect(posts()).toHaveLength(1), { timeout: 30_000 });
    await expect
      .poll(() => all('enforcement.push'), { timeout: 30_000 })
      .toMatchObject([{ status: 503 }]);
    await entry(withdrawn());
    await settled('superseded', 'sent');
    expect(platform.taken).toEqual([expect.stringMatching(/-2$/)]);
  });

  it('wait in peace while an older revision is on the way', async () => {
    platform.script.push({ do: 'take', afterMs: 250 });
    await entry(overLimit());
    await vi.waitFor(() => expect(posts()).toHaveLength(1), { timeout: 30_000 });
    await entry(withdrawn());
    const wakes = vi.waitUntil(
      async () => (await outboxStates()).every((s) => s === 'sent'),
      5_000,
    );
    await wakes;
    const attempts = await database.db
      .selectFrom('enforcement.outbox')
      .select('attempts')
      .orderBy('revision')
      .execute();
    expect(attempts).toEqual([{ attempts: 1 }, { attempts: 1 }]);
    const { rows } = await sql<{ jobs: number }>`select count(*)::int as jobs
      from queue.event where event = 'completed'`.execute(database.db);
    expect(rows[0]?.jobs).toBeLessThanOrEqual(4);
  });

  it('count as sent when the answer comes after they were superseded', async () => {
    platform.script.push({ do: 'take', afterMs: 200 });
    await entry(overLimit());
    await vi.waitFor(() => expect(posts()).toHaveLength(1), { timeout: 30_000 });
    await entry(withdrawn());
    await settled('sent', 'sent');
    expect(platform.taken.map((key) => key.slice(-2))).toEqual(['-1', '-2']);
    const clue = await database.db
      .selectFrom('enforcement.clue')
      .select(['state', 'revision'])
      .executeTakeFirst();
    expect(clue).toEqual({ state: 'ACKED', revision: 2 });
  });
});

describe('the queue', () => {
  it('gets its jobs again from the outbox after it was wiped', async () => {
    await alerts.close();
    platform.script.push({ do: 'say', status: 503, retryAfter: '1' });
    alerts = await start({ retry: { backoffMsMin: 1, backoffMsMax: 1, redriveMs: 200 } });
    await entry(overLimit());
    await expect
      .poll(() => all('enforcement.push'), { timeout: 30_000 })
      .toMatchObject([{ status: 503 }]);
    await sql`truncate queue.job cascade`.execute(database.db);
    await settled('sent');
    expect(platform.taken).toHaveLength(1);
  });

  it('is no place of truth: rows released while nobody worked go at the next start', async () => {
    await alerts.close();
    await entry(overLimit());
    expect(await outboxStates()).toEqual(['pending']);
    alerts = await start();
    await settled('sent');
  });

  it('asks the platform first when a process died while its push was on the way', async () => {
    platform.script.push({ do: 'take-then-drop' });
    await alerts.close();
    await entry(overLimit());
    // What a killed process leaves behind: an attempt on the way, long past its lease.
    await sql`insert into enforcement.push
      (idempotency_key, attempt, at, request_sha256, status, detail, took_ms)
      select idempotency_key, 1, now() - interval '1 hour', '', null, 'in flight', 0
      from enforcement.outbox`.execute(database.db);
    alerts = await start();
    await settled('sent');
    expect(methods()).toBe('GET POST GET');
    expect(platform.taken).toHaveLength(1);
  });

  it('gives a job of a dead worker to a living one', async () => {
    await alerts.close();
    await entry(overLimit());
    const queue = new Queue<PushJob>(PUSH_QUEUE, {
      connection: queueConnection(database.url, 1),
    });
    const idempotencyKey = (await keys())[0] as string;
    await queue.add('push', { idempotencyKey }, { jobId: idempotencyKey, removeOnComplete: true });
    await queue.close();
    const { rows } = await sql`update queue.job set state = 'active', lock_token = 'dead',
      locked_until_ms = 0, attempts_started = 1 returning id`.execute(database.db);
    expect(rows).toHaveLength(1);
    alerts = await start();
    await settled('sent');
  });

  it('is woken by commits again after the listener lost its connection', async () => {
    await alerts.close();
    alerts = await start({ retry: { backoffMsMin: 1, backoffMsMax: 1, redriveMs: 300 } });
    const listeners = () =>
      sql<{ pid: number }>`select pid from pg_stat_activity
        where datname = current_database() and query = 'listen wugan_outbox'`.execute(database.db);
    const [before] = await vi.waitUntil(async () => {
      const { rows } = await listeners();
      return rows.length > 0 ? rows : undefined;
    });
    await sql`select pg_terminate_backend(${before?.pid})`.execute(database.db);
    await expect
      .poll(async () => (await listeners()).rows.map(({ pid }) => pid !== before?.pid), {
        timeout: 30_000,
      })
      .toEqual([true]);
    await entry(overLimit());
    await settled('sent');
  });

  it('goes on after every database connection was cut', async () => {
    await sql`select pg_terminate_backend(pid) from pg_stat_activity
      where datname = current_database() and pid <> pg_backend_pid()`.execute(database.db);
    await vi.waitFor(() => entry(overLimit()), { timeout: 30_000 });
    await settled('sent');
  });

  it('ends when it is told to although its database could not be reached a moment ago', async () => {
    const path = await startBreakablePath(database.url);
    await alerts.close();
    alerts = await start({}, path.url);
    await path.breakOff();
    await entry(overLimit());
    alerts.notify();
    // The worker has met the refusal as well by then, and sleeps before it tries again.
    await expect.poll(() => metrics.metrics()).toMatch(/^wugan_push_queue_failures_total [1-9]/m);
    await path.mend();
    const late = new Promise((resolve) => setTimeout(resolve, 8_000, 'late').unref());
    expect(await Promise.race([alerts.close(), late])).toBeUndefined();
    await path.close();
  });

  it('ends within the grace time while the platform hangs, and goes on at the next start', async () => {
    await alerts.close();
    alerts = await start({
      platform: { url: platform.url, accessKey: 'AK', secretKey: 'SK', timeoutMs: 120_000 },
    });
    platform.script.push({ do: 'hang' });
    await entry(overLimit());
    await vi.waitFor(() => expect(posts()).toHaveLength(1), { timeout: 30_000 });
    // It would hang for two minutes, and this test with it.
    await alerts.close();
    alerts = await start();
    await settled('sent');
    expect(methods()).toBe('POST GET POST');
  });
});
