import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FastifyInstance } from 'fastify';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { replayLetters } from '../../cli/dead-letters.ts';
import { buildApi } from '../../src/api/server.ts';
import type { Ingest } from '../../src/ingest/ingest.ts';
import { sha256Hex } from '../../src/model/digest.ts';
import type { Gateway } from '../../src/model/facts.ts';
import { depsOf } from '../api/test-api.ts';
import { createTestDatabase, type TestDatabase } from '../database/test-database.ts';
import { batchText, createChain, gatewayFact, REGION } from './gateway-client.ts';
import { startTestIngest } from './ingest-fixture.ts';

const TOKEN = 'a'.repeat(32);

let database: TestDatabase;
let ingest: Ingest;
let app: FastifyInstance;
let registered: Map<string, Gateway>;

beforeEach(async () => {
  database = await createTestDatabase();
  registered = new Map([['gw-1', gatewayFact('gw-1')]]);
  ingest = await startTestIngest(database, { deps: { gateway: (id) => registered.get(id) } });
  const { replayLetter } = ingest;
  app = buildApi(depsOf(database, { replayLetter, operatorToken: TOKEN }));
});

afterEach(async () => {
  await app.close();
  await ingest.close();
  await database.close();
});

async function putAside(raw: string, topic: string, reason = 'unknown-gateway'): Promise<number> {
  const { id } = await database.db
    .insertInto('telemetry.dead_letter')
    .values({
      ...{ shard: 'main', received_at: new Date(), source: 'x', topic, reason, detail: 'test' },
      ...{ sha256: sha256Hex(raw), raw: Buffer.from(raw) },
    })
    .returning('id')
    .executeTakeFirstOrThrow();
  return id;
}

const topic = (gateway: string, region = REGION): string => `wugan/v1/${region}/${gateway}/live`;

const replay = async (id: number, token = TOKEN) => {
  const headers = { authorization: `Bearer ${token}` };
  const url = `/api/v1/dead-letters/${id}/replay`;
  const answer = await app.inject({ method: 'POST', url, headers });
  return { status: answer.statusCode, body: answer.json() };
};

describe('replaying a dead letter', () => {
  it('takes its readings in once the gateway is registered, and only once', async () => {
    const chain = createChain('gw-9');
    const id = await putAside(chain.next(80).toString(), topic('gw-9'));
    expect(await replay(id)).toMatchObject({
      status: 409,
      body: { error: { code: 'NOT_REPLAYABLE', message: expect.stringContaining('gw-9') } },
    });
    registered.set('gw-9', gatewayFact('gw-9'));
    expect(await replay(id)).toEqual({ status: 200, body: { outcome: 'stored' } });
    expect(ingest.stats().readings).toBe(1);
    expect(await replay(id)).toEqual({ status: 200, body: { outcome: 'duplicate' } });
    expect(ingest.stats().readings).toBe(1);
    const kept = await app.inject({ url: `/api/v1/dead-letters/${id}` });
    expect(kept.json()).toMatchObject({ replayOutcome: 'duplicate', reason: 'unknown-gateway' });
  });

  it('keeps what is still unusable, with the reason', async () => {
    const id = await putAside('{"v":1', topic('gw-1'), 'invalid-json');
    expect(await replay(id)).toMatchObject({ status: 409 });
    const kept = await app.inject({ url: `/api/v1/dead-letters/${id}` });
    expect(Buffer.from(kept.json<{ raw: string }>().raw, 'base64').toString()).toBe('{"v":1');
    expect(kept.json()).toMatchObject({ replayOutcome: expect.stringContaining('JSON') });
    expect(ingest.stats().readings).toBe(0);
  });

  it('tells a letter of something else, another region, and one that is not there', async () => {
    const other = await putAside('{}', 'journal/12', 'output-refused');
    const moved = await putAside(batchText('gw-1', {}, 1), topic('gw-1', '110101'));
    expect((await replay(other)).body).toMatchObject({ error: { code: 'NOT_REPLAYABLE' } });
    expect((await replay(moved)).body).toMatchObject({
      error: { message: expect.stringContaining('110101') },
    });
    expect((await replay(999)).status).toBe(404);
  });

  it('changes nothing without the token, or on a hub that has none', async () => {
    const id = await putAside(batchText('gw-1', {}, 1), topic('gw-1'));
    expect((await replay(id, 'wrong')).status).toBe(401);
    const closed = buildApi(depsOf(database));
    const url = `/api/v1/dead-letters/${id}/replay`;
    expect((await closed.inject({ method: 'POST', url })).json()).toMatchObject({
      error: { code: 'WRITES_OFF' },
    });
    await closed.close();
    expect(ingest.stats().readings).toBe(0);
  });
});

describe('wugan dead-letters replay', () => {
  it('replays all of a reason, the oldest first, and says how many were taken in', async () => {
    vi.spyOn(console, 'log').mockReturnValue();
    vi.spyOn(console, 'error').mockReturnValue();
    const folder = mkdtempSync(join(tmpdir(), 'wugan-letters-'));
    const tokenFile = join(folder, 'token');
    writeFileSync(tokenFile, `${TOKEN}\n`);
    const url = await app.listen({ host: '127.0.0.1', port: 0 });
    for (let i = 0; i < 60; i++) await putAside(batchText('gw-1', {}, i), topic('gw-1'));
    await putAside('{', topic('gw-1'), 'invalid-json');
    expect(await replayLetters([], { url, tokenFile, reason: 'unknown-gateway' })).toBe(0);
    expect(ingest.stats().readings).toBe(60);
    expect(await replayLetters([], { url, tokenFile, reason: 'invalid-json' })).toBe(1);
    vi.restoreAllMocks();
    rmSync(folder, { recursive: true });
  });
});
