import { spawnSync } from 'node:child_process';
import { ulid } from 'ulid';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { followJournal } from '../../src/ingest/journal/follow.ts';
import { holderOf } from '../../src/ingest/journal/holder.ts';
import { takeLease } from '../../src/ingest/journal/lease.ts';
import type { JournalEntry } from '../../src/model/entry.ts';
import { startOf } from '../../src/process/alive.ts';
import { createTestDatabase, silentLog, type TestDatabase } from '../database/test-database.ts';
import { batchText, createChain, START_MS } from './gateway-client.ts';
import { openJournal, type TestJournal } from './journal-fixture.ts';
import { readBlocks, readEntries, readRows } from './journal-rows.ts';

let database: TestDatabase;
let journal: TestJournal;

beforeEach(async () => {
  database = await createTestDatabase();
  journal = await openJournal(database);
});

afterEach(async () => {
  await journal.writer.close();
  await database.close();
});

/** Reads until `count` entries are there. */
async function follow(
  count: number,
  options: { readonly ring?: TestJournal['ring']; readonly pauseMs?: number } = {},
): Promise<JournalEntry[]> {
  const stop = new AbortController();
  const read: JournalEntry[] = [];
  const { pauseMs, ...rest } = options;
  const source = { pool: database.pool, shard: 'main', fromPos: 1, signal: stop.signal };
  for await (const entries of followJournal({
    ...source,
    ...rest,
    entriesMax: 50,
    log: silentLog,
  })) {
    read.push(...entries);
    if (read.length >= count) break;
    if (pauseMs !== undefined) await new Promise((next) => setTimeout(next, pauseMs));
  }
  stop.abort();
  return read;
}

/** Commits many small groups while others read. */
async function writeUnderLoad(count: number): Promise<void> {
  const chain = createChain('gw-1');
  for (let written = 0; written < count; ) {
    const size = Math.min(1 + (written % 7), count - written);
    await Promise.all(
      Array.from({ length: size }, (_, i) => journal.append('gw-1', chain.next(written + i))),
    );
    written += size;
  }
}

describe('followJournal()', () => {
  it('gives every entry once and in order to readers of ring, database and both', async () => {
    const count = 1_500;
    // A ring of 40 entries: the slow reader falls off it again and again.
    const small = await openJournal(database, { ringEntriesMax: 40 });
    journal = small;
    const readers = [
      follow(count, { ring: small.ring }),
      follow(count, { ring: small.ring, pauseMs: 5 }),
      follow(count),
    ];
    await writeUnderLoad(count);
    const written = await readEntries(database.pool);
    expect(written.map(({ pos }) => pos)).toEqual(Array.from({ length: count }, (_, i) => i + 1));
    for (const read of await Promise.all(readers)) expect(read).toEqual(written);
  });

  it('starts inside a block', async () => {
    const chain = createChain('gw-1');
    await Promise.all([1, 2, 3, 4].map((n) => journal.append('gw-1', chain.next(n))));
    expect(await readBlocks(database.pool)).toHaveLength(1);
    const stop = new AbortController();
    const source = { pool: database.pool, shard: 'main', fromPos: 3, signal: stop.signal };
    for await (const entries of followJournal({ ...source, entriesMax: 9, log: silentLog })) {
      expect(entries.map(({ pos }) => pos)).toEqual([3, 4]);
      break;
    }
  });

  it('throws on a hole instead of reading over it', async () => {
    await writeUnderLoad(30);
    await database.pool.query('delete from telemetry.block where pos_from <= 5 and pos_to >= 5');
    await expect(follow(30)).rejects.toThrow(/hole/);
  });

  it('ends when it is told to, also while it waits', async () => {
    const stop = new AbortController();
    const source = { pool: database.pool, shard: 'main', fromPos: 1, signal: stop.signal };
    const reading = (async () => {
      const { ring } = journal;
      for await (const _ of followJournal({ ...source, ring, entriesMax: 9, log: silentLog }));
    })();
    stop.abort();
    await reading;
  });
});

describe('readBlock()', () => {
  it('gives exactly what the ring hands over, for batches of every shape', async () => {
    const chain = createChain('gw-1');
    const odd = batchText('gw-1', {}, 3).replace('"laeq":3', '"laeq":3,"__proto__":4,"co":-0.5');
    await journal.append('gw-1', chain.next(1));
    await journal.append('gw-1', Buffer.from(odd), 'backfill');
    await journal.append('gw-1', Buffer.from(batchText('gw-1', { seq: 9 }, 3)));
    await journal.append('gw-1', Buffer.from('{"v":7,"gateway":"gw-1","more":"ü"}'));
    const fromRing = journal.ring.from(1, 100);
    expect(fromRing).toHaveLength(4);
    expect(await readEntries(database.pool)).toEqual(fromRing);
  });
});

describe('the lease', () => {
  it('is not given to another before it runs out, and at once to the same holder', async () => {
    const options = { shard: 'other', durationMs: 60_000 };
    const one = await takeLease(database.pool, { ...options, holder: 'one' });
    expect(one).toMatchObject({ ok: true, value: { token: 1, pos: 0 } });
    const two = await takeLease(database.pool, { ...options, holder: 'two' });
    expect(two).toMatchObject({ ok: false, reason: 'held' });
    const again = await takeLease(database.pool, { ...options, holder: 'one' });
    expect(again).toMatchObject({ ok: true, value: { token: 2 } });
  });

  it('is given at once to the heir of a process that is gone, and not while that lives', async () => {
    const mayTake = async (shard: string, held: string): Promise<boolean> => {
      const options = { shard, durationMs: 60_000 };
      expect((await takeLease(database.pool, { ...options, holder: held })).ok).toBe(true);
      return (await takeLease(database.pool, { ...options, holder: holderOf('key') })).ok;
    };
    const [key, machine, pid, startedAt] = holderOf('key').split(' ');
    const gone = spawnSync('true').pid;
    expect(await mayTake('a', `${key} ${machine} ${gone} 1`)).toBe(true);
    // The number was given out again.
    expect(await mayTake('b', `${key} ${machine} ${pid} 1`)).toBe(true);
    expect(await mayTake('c', `${key} ${machine} ${process.ppid} ${startOf(process.ppid)}`)).toBe(
      false,
    );
    expect(await mayTake('d', `${key} elsewhere ${gone} 1`)).toBe(false);
    expect(await mayTake('e', `other ${machine} ${gone} ${startedAt}`)).toBe(false);
  });

  it('lets the writer of an older token write nothing, and tells it', async () => {
    let lost = 0;
    await journal.writer.close();
    const old = await openJournal(database, {
      onLost: () => {
        lost += 1;
      },
    });
    const chain = createChain('gw-1');
    expect(await old.append('gw-1', chain.next(1))).toBe('stored');
    journal = await openJournal(database, { holder: 'two' });
    // As a process that was stopped and goes on: it still believes to hold the shard.
    const late = await Promise.all([2, 3].map((n) => old.append('gw-1', chain.next(n))));
    expect(late).toEqual(['closed', 'closed']);
    expect(lost).toBe(1);
    await old.writer.close();
    expect(await readRows(database.pool)).toHaveLength(1);
    expect(await journal.append('gw-1', createChain('gw-1').next(9))).toBe('stored');
    expect((await readRows(database.pool)).map(({ pos }) => pos)).toEqual([1, 2]);
  });
});

describe('the writer', () => {
  it('stores a block once when the answer to its commit was lost', async () => {
    let faults = 0;
    await journal.writer.close();
    journal = await openJournal(database, {
      faultPoint: (name) => {
        if (name !== 'journal:after-commit' || faults > 0) return;
        faults += 1;
        throw new Error('the answer was lost');
      },
    });
    expect(await journal.append('gw-1', createChain('gw-1').next(1))).toBe('stored');
    expect(faults).toBe(1);
    expect(await readRows(database.pool)).toHaveLength(1);
  });

  it('says since when a commit has no answer, and takes it when it comes', async () => {
    await journal.writer.close();
    let nowMs = 1_000_000;
    journal = await openJournal(database, { now: () => nowMs });
    const client = await database.pool.connect();
    await client.query('begin; select from telemetry.shard for update');
    const stored = journal.append('gw-1', createChain('gw-1').next(1));
    await expect
      .poll(() => {
        nowMs += 1_000;
        return journal.writer.downSinceMs();
      })
      .not.toBeNull();
    expect(nowMs - (journal.writer.downSinceMs() ?? 0)).toBeGreaterThan(5_000);
    await client.query('rollback');
    client.release();
    expect(await stored).toBe('stored');
    expect(journal.writer.downSinceMs()).toBeNull();
    expect(await readRows(database.pool)).toHaveLength(1);
  });

  it('commits what comes in one turn as one block', async () => {
    const chain = createChain('gw-1');
    await Promise.all(Array.from({ length: 100 }, (_, i) => journal.append('gw-1', chain.next(i))));
    expect(await readBlocks(database.pool)).toHaveLength(1);
  });

  it('looks older copies up when it no longer remembers them', async () => {
    const chain = createChain('gw-1');
    const batches = Array.from({ length: 200 }, (_, i) => chain.next(i));
    for (const bytes of batches) await journal.append('gw-1', bytes);
    const [first] = batches as [Buffer];
    const keys = { epoch: chain.epoch, seq: 2, prev: chain.hashes[1] as string };
    const other = Buffer.from(batchText('gw-1', keys, 99));
    expect(await journal.append('gw-1', first, 'backfill')).toBe('duplicate');
    expect(await journal.append('gw-1', other, 'backfill')).toBe('stored');
    expect((await readRows(database.pool)).at(-1)).toMatchObject({ seq: 2, conflict: true });
  });

  it('makes the partition that is missing when the clock jumps', async () => {
    await journal.writer.close();
    journal = await openJournal(database, { now: () => Date.UTC(2099, 6, 1) });
    expect(await journal.append('gw-1', createChain('gw-1').next(1))).toBe('stored');
  });

  it('takes no batch that would make more ranges than it keeps, and all once the hole is filled', async () => {
    const chain = createChain('gw-1');
    const batches = Array.from({ length: 1_200 }, (_, i) => chain.next(i));
    const odd = batches.filter((_, i) => i % 2 === 1);
    const outcomes = await Promise.all(odd.map((bytes) => journal.append('gw-1', bytes)));
    expect(outcomes.filter((outcome) => outcome === 'stored')).toHaveLength(512);
    expect(outcomes.filter((outcome) => outcome === 'deferred')).toHaveLength(88);
    for (const bytes of batches) await journal.append('gw-1', bytes, 'backfill');
    expect(journal.progress.epochsOf('gw-1')[0]?.committed).toMatchObject({
      durable: 1_200,
      stored: [],
    });
    expect(await readRows(database.pool)).toHaveLength(1_200);
  });

  it('knows its progress from block headers when the rows are older', async () => {
    const chain = createChain('gw-1');
    for (let i = 0; i < 5; i++) await journal.append('gw-1', chain.next(i));
    const { rows } = await database.pool.query('select durable from telemetry.gateway_progress');
    expect(rows.map(({ durable }) => durable)).not.toContain(5);
    await journal.writer.close();
    journal = await openJournal(database);
    expect(journal.progress.epochsOf('gw-1')[0]?.committed).toMatchObject({ durable: 5 });
  });

  it('keeps what only headers say over a second death, although rows were written between', async () => {
    let nowMs = START_MS;
    const chain = createChain('gw-1');
    const reopen = async () => {
      journal = await openJournal(database, { now: () => nowMs });
    };
    await journal.writer.close();
    await reopen();
    for (let i = 0; i < 5; i++) await journal.append('gw-1', chain.next(i));
    await journal.writer.close();
    await reopen();
    // Another gateway's commit writes rows and moves the cursor behind which headers are read.
    nowMs += 2_000;
    await journal.append('gw-2', createChain('gw-2').next(1));
    await journal.writer.close();
    await reopen();
    expect(journal.progress.epochsOf('gw-1')[0]?.committed).toMatchObject({ durable: 5 });
  });

  it('lets a gateway open epoch after epoch, and keeps few of them in memory', async () => {
    const epochs = Array.from({ length: 5_000 }, (_, i) => ulid(START_MS + i * 1_000));
    const first = epochs.map((epoch) => createChain('gw-1', epoch).next(1));
    for (let i = 0; i < first.length; i += 1_000) {
      const part = first.slice(i, i + 1_000).map((bytes) => journal.append('gw-1', bytes));
      expect(new Set(await Promise.all(part))).toEqual(new Set(['stored']));
    }
    expect(journal.progress.epochsOf('gw-1').length).toBeLessThan(4_096);
    const again = await Promise.all(first.slice(0, 300).map((b) => journal.append('gw-1', b)));
    expect(new Set(again)).toEqual(new Set(['duplicate']));
    expect(await readRows(database.pool)).toHaveLength(5_000);
  });

  it('goes on in a retired epoch where it was, holes included', async () => {
    const old = createChain('gw-1', ulid(START_MS - 1_000));
    const [one, two, three, four] = [1, 2, 3, 4].map(old.next) as [Buffer, Buffer, Buffer, Buffer];
    await journal.append('gw-1', one);
    await journal.append('gw-1', three);
    const epochs = Array.from({ length: 600 }, (_, i) => ulid(START_MS + i * 1_000));
    for (const part of [epochs.slice(0, 300), epochs.slice(300)]) {
      const bytes = part.map((epoch) => createChain('gw-1', epoch).next(1));
      await Promise.all(bytes.map((batch) => journal.append('gw-1', batch)));
    }
    await journal.writer.close();
    journal = await openJournal(database);
    for (const bytes of [four, two]) expect(await journal.append('gw-1', bytes)).toBe('stored');
    for (const bytes of [one, two, three, four]) {
      expect(await journal.append('gw-1', bytes)).toBe('duplicate');
    }
    const { committed } = journal.progress.epochsOf('gw-1')[0] ?? {};
    expect(committed).toMatchObject({ durable: 4, stored: [] });
  });

  it('writes the progress rows along once a second', async () => {
    let nowMs = START_MS;
    await journal.writer.close();
    journal = await openJournal(database, { now: () => nowMs });
    const chain = createChain('gw-1');
    for (let i = 0; i < 3; i++) {
      nowMs += 600;
      await journal.append('gw-1', chain.next(i));
    }
    const { rows } = await database.pool.query(
      `select p.durable, p.updated_pos, c.pos from telemetry.gateway_progress p,
         telemetry.sink_cursor c where c.name = 'progress'`,
    );
    expect(rows).toEqual([{ durable: 2, updated_pos: 2, pos: 2 }]);
  });
});
