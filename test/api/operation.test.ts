import { Counter } from 'prom-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Readiness } from '../../src/api/deps.ts';
import {
  insertClue,
  insertFact,
  insertStanding,
  resultOf,
  SHARD,
  standingOf,
  subjectOf,
  USCC,
} from './rows.ts';
import { createTestApi, type TestApi } from './test-api.ts';

let api: TestApi;
let readiness: Readiness = { ok: true, checks: [] };

beforeAll(async () => {
  api = await createTestApi({
    ready: async () => readiness,
    stats: () => ({ readingsPerSecond: 123.5 }),
  });
});

afterAll(() => api.close());

describe('GET /healthz', () => {
  it('answers while the process lives, whatever else is down', async () => {
    readiness = { ok: false, checks: [{ name: 'database', ok: false, detail: 'away' }] };
    expect(await api.get('/healthz')).toEqual({ status: 200, body: { ok: true } });
  });
});

describe('GET /readyz', () => {
  it('gives every check when all are well', async () => {
    readiness = { ok: true, checks: [{ name: 'database', ok: true, detail: '3 ms' }] };
    expect(await api.get('/readyz')).toEqual({
      status: 200,
      body: { ok: true, checks: [{ name: 'database', ok: true, detail: '3 ms' }] },
    });
  });

  it('answers 503 and names what fails', async () => {
    readiness = {
      ok: false,
      checks: [
        { name: 'database', ok: true, detail: '3 ms' },
        { name: 'lease', ok: false, detail: 'held by hub-2' },
      ],
    };
    const { status, body } = await api.get('/readyz');
    expect(status).toBe(503);
    expect(body).toMatchObject({
      error: { code: 'NOT_READY', message: 'Not ready: lease (held by hub-2)' },
      checks: readiness.checks,
    });
  });
});

describe('GET /metrics', () => {
  it('gives the registry as Prometheus reads it', async () => {
    new Counter({ name: 'test_total', help: 'of the test', registers: [api.registry] }).inc(3);
    const answer = await api.app.inject('/metrics');
    expect(answer.headers['content-type']).toContain('text/plain');
    expect(answer.body).toContain('test_total 3');
  });

  it('times requests by route pattern, so that addresses make no new series', async () => {
    await api.get('/api/v1/clues/CL1');
    await api.get('/api/v1/clues/CL2');
    const { body } = await api.app.inject('/metrics');
    expect(body).toContain(
      'wugan_http_request_seconds_count{route="/api/v1/clues/:clueNo",status="404"} 2',
    );
    expect(body).not.toContain('CL1');
  });
});

describe('GET /api/v1/openapi.json', () => {
  it('describes every route of the API with its answer', async () => {
    const { body } = await api.get('/api/v1/openapi.json');
    const { openapi, paths } = body as { openapi: string; paths: Record<string, unknown> };
    expect(openapi).toMatch(/^3\.1/);
    expect(Object.keys(paths).sort()).toEqual([
      '/api/v1/clues',
      '/api/v1/clues/{clueNo}',
      '/api/v1/dead-letters',
      '/api/v1/dead-letters/{id}',
      '/api/v1/dead-letters/{id}/replay',
      '/api/v1/evidence/{packageId}',
      '/api/v1/evidence/{packageId}/raw',
      '/api/v1/evidence/{packageId}/seal',
      '/api/v1/gateways/{id}/commands',
      '/api/v1/live',
      '/api/v1/posts',
      '/api/v1/results',
      '/api/v1/series',
      '/api/v1/signals',
      '/api/v1/status',
      '/healthz',
      '/metrics',
      '/readyz',
    ]);
    expect(JSON.stringify(paths['/api/v1/clues'])).toContain('behaviorCode');
  });
});

describe('GET /api/v1/status', () => {
  it('gives position, lag and counts', async () => {
    await insertOneOfEach();
    expect((await api.get('/api/v1/status')).body).toMatchObject({
      asOfMs: standingOf().asOfMs,
      shards: [{ shard: SHARD, pos: 40, evaluatedPos: 37, lag: 3 }],
      registered: { enterprises: 1, posts: 1, devices: 0, gateways: 0 },
      standings: { over: 1, near: 0, below: 0, noData: 1 },
      clues: { total: 2, atPlatform: 1, latestPos: 39, byState: { ACKED: 1, READY: 1 } },
      deadLetters: { count: 1, more: false },
      hub: { readingsPerSecond: 123.5 },
    });
  });

  it('tells the processes that are heard of, and the numbers of this shard with its own', async () => {
    await api.database.pool.query(`insert into telemetry.hub_process values
      ('a:1', 'main', '{ingest}', '{"received":5,"readingsPerSecond":1}', now()),
      ('b:2', 'main', '{evaluate}', '{"evaluatorPos":37}', now()),
      ('c:3', 'other', '{ingest}', '{"received":9}', now()),
      ('d:4', 'main', '{push}', '{"received":1}', now() - interval '1 minute')`);
    const { body } = await api.get('/api/v1/status');
    const { processes, hub } = body as { processes: { process: string }[]; hub: object };
    expect(processes.map(({ process }) => process).sort()).toEqual(['a:1', 'b:2', 'c:3']);
    expect(hub).toEqual({ received: 5, evaluatorPos: 37, readingsPerSecond: 123.5 });
  });

  it('lists the dead letters with the reason', async () => {
    const { body } = await api.get('/api/v1/dead-letters');
    expect(body).toMatchObject({
      items: [
        {
          reason: 'not-json',
          detail: 'Unexpected token',
          topic: 'wugan/v1/330106/gw/live',
          bytes: 3,
          receivedAtMs: Date.UTC(2025, 10, 24),
        },
      ],
      nextCursor: null,
    });
  });
});

describe('GET /api/v1/signals', () => {
  const signal = (
    n: number,
    kind: string,
    gateway = 'gw-1',
    detail: object = { device: `d-${n}` },
  ) => ({
    signal_key: `key-${n}`,
    kind,
    shard: SHARD,
    pos: n,
    at_ms: 1_000 + Math.floor(n / 2),
    content_hash: '',
    content: JSON.stringify({ kind, atMs: 1_000, gateway, detail }),
  });

  it('lists what was noticed about the data, page by page, newest first', async () => {
    await api.db
      .insertInto('exposure.signal')
      .values([
        signal(1, 'SILENCE'),
        signal(2, 'DATA_GAP', 'gw-2', { reason: 'beyond-horizon' }),
        signal(3, 'DATA_GAP'),
        signal(4, 'OVER_LIMIT'),
      ])
      .execute();
    const first = await api.get('/api/v1/signals?limit=2');
    expect(first.body).toMatchObject({
      items: [
        { signalKey: 'key-3', kind: 'DATA_GAP', gateway: 'gw-1', detail: { device: 'd-3' } },
        { signalKey: 'key-2', detail: { reason: 'beyond-horizon' } },
      ],
    });
    const { nextCursor } = first.body as { nextCursor: string };
    const rest = await api.get(`/api/v1/signals?cursor=${nextCursor}`);
    expect(rest.body).toMatchObject({ items: [{ signalKey: 'key-1' }], nextCursor: null });
    const { body } = await api.get('/api/v1/signals?kind=DATA_GAP&gateway=gw-2');
    expect(body).toMatchObject({ items: [{ signalKey: 'key-2', pos: 2, atMs: 1_001 }] });
  });
});

async function insertOneOfEach(): Promise<void> {
  const { db } = api;
  await db
    .insertInto('telemetry.shard')
    .values({
      shard: SHARD,
      token: 1,
      holder: 'test',
      until_ms: 0,
      pos: 40,
      head_hash: Buffer.alloc(32),
    })
    .execute();
  await db
    .insertInto('telemetry.sink_cursor')
    .values([
      { shard: SHARD, name: 'evaluator', pos: 37 },
      { shard: SHARD, name: 'other', pos: 2 },
    ])
    .execute();
  await insertFact(db, 'enterprise', USCC, { uscc: USCC, name: '示例铸造', region: '330106' });
  await insertFact(db, 'post', 'silent', {
    id: 'silent',
    enterprise: USCC,
    name: '焊接',
    exposedWorkers: 1,
    altitudeM: 0,
    hotRegion: false,
    hazards: [{ factor: 'noise', primary: { device: 'n', metric: 'laeq' } }] as never,
  });
  await insertStanding(db, standingOf({ state: 'over' }));
  const clue = { result: resultOf(), enterpriseName: '示例铸造', postName: '浇注' };
  await insertClue(db, { ...clue, clueNo: 'CL33010620251124AAAAAAA1', state: 'READY', pos: 38 });
  await insertClue(db, {
    ...clue,
    clueNo: 'CL33010620251124AAAAAAA2',
    state: 'ACKED',
    platformNo: 'P-1',
    pos: 39,
    result: resultOf({ subject: subjectOf({ post: 'other' }) }),
  });
  await db
    .insertInto('telemetry.dead_letter')
    .values({
      shard: SHARD,
      received_at: new Date(Date.UTC(2025, 10, 24)),
      source: 'mqtt',
      topic: 'wugan/v1/330106/gw/live',
      reason: 'not-json',
      detail: 'Unexpected token',
      sha256: 'ab'.repeat(32),
      raw: Buffer.from('{x}'),
    })
    .execute();
}
