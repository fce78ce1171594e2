import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { followJournal } from '../../src/ingest/journal/follow.ts';
import {
  JOURNAL_CHANNEL,
  type WatchedHead,
  watchJournalHead,
} from '../../src/ingest/journal/journal-head.ts';
import type { JournalEntry } from '../../src/model/entry.ts';
import { createTestDatabase, silentLog, type TestDatabase } from '../database/test-database.ts';
import { createChain } from './gateway-client.ts';
import { openJournal, type TestJournal } from './journal-fixture.ts';

/** Nothing is found by looking: only by being told. */
const NEVER_MS = 3_600_000;

let database: TestDatabase;
let journal: TestJournal;
const heads: WatchedHead[] = [];

beforeEach(async () => {
  database = await createTestDatabase();
  journal = await openJournal(database);
});

afterEach(async () => {
  for (const head of heads.splice(0)) await head.close();
  await journal.writer.close();
  await database.close();
});

function watch(pollMs: number): WatchedHead {
  const { pool, url } = database;
  const head = watchJournalHead({
    ...{ pool, databaseUrl: url, shard: 'main', log: silentLog, pollMs },
  });
  heads.push(head);
  return head;
}

const listeners = async (): Promise<number[]> => {
  const { rows } = await database.pool.query<{ pid: number }>(
    `select pid from pg_stat_activity where datname = current_database() and query ilike 'listen %'`,
  );
  return rows.map(({ pid }) => pid);
};

const isListening = () => expect.poll(listeners, { timeout: 20_000 }).toHaveLength(1);

/** Follows without the writer's ring until `count` entries came, and calls back after each. */
async function follow(
  head: WatchedHead,
  count: number,
  onTaken: (taken: number) => void = () => undefined,
): Promise<JournalEntry[]> {
  const { pool } = database;
  const stop = new AbortController();
  const found: JournalEntry[] = [];
  const source = { pool, shard: 'main', fromPos: 1, head, signal: stop.signal, log: silentLog };
  for await (const entries of followJournal({ ...source, entriesMax: 100 })) {
    found.push(...entries);
    if (found.length >= count) break;
    onTaken(found.length);
  }
  return found;
}

describe('a reader in another process', () => {
  it('is woken by each commit', async () => {
    const head = watch(NEVER_MS);
    await isListening();
    const chain = createChain('gw-1');
    const next = (): void => void journal.append('gw-1', chain.next(1));
    const reading = follow(head, 50, next);
    next();
    expect((await reading).map(({ pos }) => pos)).toEqual(
      Array.from({ length: 50 }, (_, i) => i + 1),
    );
    expect(head.headPos()).toBe(50);
  });

  it('listens again when its connection is cut, and reads what came meanwhile', async () => {
    const head = watch(NEVER_MS);
    await isListening();
    const chain = createChain('gw-1');
    const write = async (count: number): Promise<void> => {
      for (let n = 0; n < count; n++) await journal.append('gw-1', chain.next(n));
    };
    const reading = follow(head, 40);
    await write(10);
    const [pid] = await listeners();
    await database.pool.query('select pg_terminate_backend($1)', [pid]);
    await expect.poll(listeners, { timeout: 20_000 }).not.toContain(pid);
    await write(10);
    await isListening();
    await write(20);
    const entries = await reading;
    expect(entries.map(({ pos }) => pos)).toEqual(Array.from({ length: 40 }, (_, i) => i + 1));
  });

  it('finds by itself what it was not told', async () => {
    const head = watch(50);
    // Moved as by a commit, without a notification.
    await database.pool.query(`update telemetry.shard set pos = 7 where shard = 'main'`);
    await head.waitFor(7, new AbortController().signal);
    expect(head.headPos()).toBe(7);
  });

  it('is not moved by the journal of another shard', async () => {
    const head = watch(NEVER_MS);
    await isListening();
    await database.pool.query(`select pg_notify($1, '9 other')`, [JOURNAL_CHANNEL]);
    await database.pool.query(`select pg_notify($1, '3 main')`, [JOURNAL_CHANNEL]);
    await head.waitFor(3, new AbortController().signal);
    expect(head.headPos()).toBe(3);
  });

  it('ends its wait when it is told to', async () => {
    const head = watch(NEVER_MS);
    const stop = new AbortController();
    const waiting = head.waitFor(1, stop.signal);
    stop.abort();
    await waiting;
  });
});
