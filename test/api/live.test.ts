import type { AddressInfo } from 'node:net';
import { PassThrough, Writable } from 'node:stream';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createLiveFeed, LIVE_FEED } from '../../src/api/live-feed.ts';
import type { Status } from '../../src/api/status.ts';
import { silentLog } from '../database/test-database.ts';
import { SHARD } from './rows.ts';
import { createTestApi, type TestApi } from './test-api.ts';

const FAST = { ...LIVE_FEED, pollMs: 20, heartbeatMs: 60 };

let api: TestApi | undefined;
const open = new Set<AbortController>();

afterEach(async () => {
  vi.useRealTimers();
  for (const stream of open) stream.abort();
  open.clear();
  await api?.close();
  api = undefined;
});

async function listen(settings = FAST): Promise<string> {
  api = await createTestApi({}, settings);
  await api.app.listen({ host: '127.0.0.1', port: 0 });
  await api.db
    .insertInto('telemetry.shard')
    .values({
      shard: SHARD,
      token: 1,
      holder: 'test',
      until_ms: 0,
      pos: 1,
      head_hash: Buffer.alloc(32),
    })
    .execute();
  return `http://127.0.0.1:${(api.app.server.address() as AddressInfo).port}/api/v1/live`;
}

const EMPTY: Status = {
  nowMs: 0,
  asOfMs: null,
  shards: [],
  registered: { enterprises: 0, posts: 0, devices: 0, gateways: 0 },
  standings: { over: 0, near: 0, below: 0, noData: 0 },
  clues: { total: 0, atPlatform: 0, latestPos: 0, byState: {} },
  deadLetters: { count: 0, more: false },
  processes: [],
  hub: {},
};

interface Stream {
  readonly status: number;
  /** The text up to and with the first that matches; fails after 5 s. */
  until(pattern: RegExp): Promise<string>;
  ended(): Promise<void>;
  close(): void;
}

async function follow(url: string): Promise<Stream> {
  const abort = new AbortController();
  open.add(abort);
  const response = await fetch(url, { signal: abort.signal });
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  const deadline = AbortSignal.timeout(50_000);
  return {
    status: response.status,
    async until(pattern) {
      deadline.throwIfAborted();
      while (!pattern.test(text)) {
        const { value, done } = await reader.read();
        if (done) throw new Error(`The stream ended without ${pattern}: ${text}`);
        text += value;
      }
      const match = pattern.exec(text)!;
      const seen = text.slice(0, match.index + match[0].length);
      text = text.slice(seen.length);
      return seen;
    },
    async ended() {
      while (!(await reader.read()).done);
    },
    close: () => abort.abort(),
  };
}

const setPos = (pos: number) => api!.db.updateTable('telemetry.shard').set({ pos }).execute();

describe('createLiveFeed()', () => {
  it('cuts a reader that leaves more unread than the bound, and keeps the others', async () => {
    let asOfMs = 0;
    const read = async (): Promise<Status> => {
      asOfMs += 1;
      return { ...EMPTY, asOfMs };
    };
    const feed = createLiveFeed(read, silentLog, { ...FAST, pollMs: 1, unreadBytesMax: 2_000 });
    const stuck = new Writable({ write: () => undefined });
    const reading = new PassThrough();
    reading.resume();
    expect(feed.add(stuck)).toBe(true);
    expect(feed.add(reading)).toBe(true);
    await vi.waitFor(() => expect(feed.streams).toBe(1), 30_000);
    expect(stuck.destroyed).toBe(true);
    expect(reading.destroyed).toBe(false);
    feed.close();
    expect(feed.add(new PassThrough())).toBe(false);
  });

  it('polls once a second while somebody listens, and not at all while nobody does', async () => {
    vi.useFakeTimers();
    let polls = 0;
    const read = async (): Promise<Status> => {
      polls += 1;
      return EMPTY;
    };
    const feed = createLiveFeed(read, silentLog);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(polls).toBe(0);
    const stream = new PassThrough();
    feed.add(stream);
    await vi.advanceTimersByTimeAsync(9_500);
    expect(polls).toBe(10);
    stream.destroy();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(polls).toBe(10);
    feed.close();
  });
});

describe('GET /api/v1/live', () => {
  it('tells a newcomer at once and everybody when the journal moves', async () => {
    const url = await listen();
    const first = await follow(url);
    await first.until(/event: status\ndata: .*"pos":1,.*\n\n/);
    const second = await follow(url);
    await second.until(/event: status\ndata: .*"pos":1,.*\n\n/);
    await setPos(2);
    await first.until(/"pos":2,/);
    await second.until(/"pos":2,/);
  });

  it('says nothing while nothing changes, but that it is still there', async () => {
    const stream = await follow(await listen());
    await stream.until(/event: status\n.*\n\n/);
    const quiet = await stream.until(/: still here\n\n.*: still here\n\n/s);
    expect(quiet).not.toContain('event:');
  });

  it('refuses one stream too many, and takes it when another has gone', async () => {
    const url = await listen({ ...FAST, streamsMax: 1 });
    const only = await follow(url);
    await only.until(/event: status/);
    const refused = await fetch(url);
    expect(refused.status).toBe(503);
    expect(refused.headers.get('retry-after')).toBe('5');
    expect(await refused.json()).toMatchObject({ error: { code: 'TOO_MANY_STREAMS' } });
    only.close();
    await expect.poll(async () => (await follow(url)).status).toBe(200);
  });

  it('says when the status cannot be read, and goes on when it can again', async () => {
    const stream = await follow(await listen());
    await stream.until(/event: status/);
    await api!.database.pool.query('alter table telemetry.shard rename to shard_away');
    await stream.until(/event: unavailable\n/);
    await api!.database.pool.query('alter table telemetry.shard_away rename to shard');
    await stream.until(/event: status\n/);
  });

  it('ends every stream when the server closes', async () => {
    const stream = await follow(await listen());
    await stream.until(/event: status\n.*\n\n/);
    const closed = api!.close();
    await stream.ended();
    await closed;
    api = undefined;
  });
});
