import { createHmac } from 'node:crypto';
import { appendFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { type Platform, type PlatformOptions, startPlatform } from '../../simulators/platform.ts';
import { bgSignatureFault, bgStringToSign } from '../../simulators/platform-signature.ts';
import { signRequest } from '../../src/alerts/signer.ts';
import { sha256Hex } from '../../src/model/digest.ts';
import { createLogger } from '../../src/process/log.ts';

const keys = { accessKey: 'AK123', secretKey: 'test-secret' };
const log = createLogger('test', 'silent');
const bodySchema = z.looseObject({});
const open: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

async function start(options: Partial<PlatformOptions> = {}): Promise<Platform> {
  const address = { host: '127.0.0.1', port: 0 };
  const platform = await startPlatform({ ...address, ...keys, log, bodySchema, ...options });
  open.push(platform.close);
  return platform;
}

const signed = (method: string, path: string, nowMs = Date.now()): Record<string, string> =>
  signRequest(keys, { method, path, query: '', nowMs });

const push = (platform: Platform, body: object, headers: Record<string, string> = {}) => {
  const { clueNo, revision } = body as { clueNo?: string; revision?: number };
  return fetch(`${platform.url}/clues`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'idempotency-key': `${clueNo}-${revision}`,
      ...signed('POST', '/clues'),
      ...headers,
    },
    body: JSON.stringify(body),
  });
};

const get = (platform: Platform, clueNo: string) =>
  fetch(`${platform.url}/clues/${clueNo}`, { headers: signed('GET', `/clues/${clueNo}`) });

const clue = (clueNo: string, revision = 1, value = 35) => ({ clueNo, revision, value });

describe('POST /clues', () => {
  it('takes a clue with 201 and numbers it', async () => {
    const platform = await start();
    const reply = await push(platform, clue('CL-1'));
    expect(reply.status).toBe(201);
    const receipt = await reply.json();
    expect(receipt).toEqual({ platformNo: 'SIM-ZF-000001', behaviorCode: 'SIM-XW-000001' });
    expect(platform.received()).toMatchObject([
      { clueNo: 'CL-1', revision: 1, bodySha256: sha256Hex(JSON.stringify(clue('CL-1'))) },
    ]);
  });

  it('answers the same key again with 200 and the same numbers, and holds it once', async () => {
    const platform = await start();
    const first = await (await push(platform, clue('CL-1'))).json();
    const again = await push(platform, clue('CL-1'));
    expect(again.status).toBe(200);
    expect(await again.json()).toEqual(first);
    expect(platform.received()).toHaveLength(1);
  });

  it('refuses the same key with another body with 409 and keeps the first', async () => {
    const platform = await start();
    await push(platform, clue('CL-1', 1, 35));
    expect((await push(platform, clue('CL-1', 1, 36))).status).toBe(409);
    expect(platform.received().map(({ body }) => body['value'])).toEqual([35]);
  });

  it('gives all revisions of a clue one number, and another clue another', async () => {
    const platform = await start();
    await push(platform, clue('CL-1', 1));
    await push(platform, clue('CL-2', 1));
    await push(platform, clue('CL-1', 2));
    expect(platform.received().map(({ platformNo }) => platformNo)).toEqual([
      'SIM-ZF-000001',
      'SIM-ZF-000002',
      'SIM-ZF-000001',
    ]);
  });

  it('takes two copies that arrive together once', async () => {
    const platform = await start({ delayMs: 5 });
    const replies = await Promise.all([1, 2, 3].map(() => push(platform, clue('CL-1'))));
    expect(replies.map(({ status }) => status).sort()).toEqual([200, 200, 201]);
    expect(platform.received()).toHaveLength(1);
  });

  it('refuses a key that is not clueNo-revision', async () => {
    const platform = await start();
    const reply = await push(platform, clue('CL-1', 2), { 'idempotency-key': 'CL-1-1' });
    expect(reply.status).toBe(400);
    expect(await reply.json()).toMatchObject({ faults: ['Idempotency-Key: expected CL-1-2'] });
  });

  it('names every fault of a body that breaks the contract', async () => {
    const platform = await startPlatform({ host: '127.0.0.1', port: 0, ...keys, log });
    open.push(platform.close);
    const reply = await push(platform, clue('CL33010620261123ABCDEFGH'));
    expect(reply.status).toBe(400);
    const { faults } = (await reply.json()) as { faults: string[] };
    expect(faults.find((fault) => fault.startsWith('enterprise:'))).toBeDefined();
    expect(platform.received()).toEqual([]);
  });

  it('refuses what is not JSON with 400', async () => {
    const platform = await start();
    const headers = { 'content-type': 'application/json', ...signed('POST', '/clues') };
    const init = { method: 'POST', headers, body: '{"clueNo":' };
    expect((await fetch(`${platform.url}/clues`, init)).status).toBe(400);
  });
});

describe('GET /clues/:clueNo', () => {
  it('answers the highest revision, whatever came last', async () => {
    const platform = await start();
    await push(platform, clue('CL-1', 2, 40));
    await push(platform, clue('CL-1', 1, 35));
    const reply = await get(platform, 'CL-1');
    expect(await reply.json()).toMatchObject({
      clueNo: 'CL-1',
      revision: 2,
      platformNo: 'SIM-ZF-000001',
      behaviorCode: 'SIM-XW-000001',
      body: { value: 40 },
    });
  });

  it('answers 404 for a clue that it does not hold', async () => {
    expect((await get(await start(), 'CL-9')).status).toBe(404);
  });

  it('is signed too, while the list is there to look at', async () => {
    const platform = await start();
    await push(platform, clue('CL-1'));
    expect((await fetch(`${platform.url}/clues/CL-1`)).status).toBe(401);
    const list = (await (await fetch(`${platform.url}/clues`)).json()) as { clues: unknown[] };
    expect(list.clues).toHaveLength(1);
  });
});

describe('the X-BG-* signature', () => {
  const textOf = async (headers: Record<string, string>, now = Date.now()) => {
    const reply = await push(await start({ now: () => now }), clue('CL-1'), headers);
    return { status: reply.status, message: ((await reply.json()) as { message: string }).message };
  };

  it('refuses an unknown access key', async () => {
    expect(await textOf({ 'x-bg-hmac-access-key': 'AK124' })).toEqual({
      status: 401,
      message: 'Invalid access key',
    });
  });

  it('refuses a signature made with another secret', async () => {
    const other = { ...keys, secretKey: 'other' };
    const request = { method: 'POST', path: '/clues', query: '', nowMs: Date.now() };
    expect(await textOf(signRequest(other, request))).toEqual({
      status: 401,
      message: 'Invalid signature',
    });
  });

  it('refuses a signature made for another path', async () => {
    expect((await textOf(signed('POST', '/clues/CL-1'))).message).toBe('Invalid signature');
  });

  it('refuses another algorithm', async () => {
    const headers = { 'x-bg-hmac-algorithm': 'hmac-sm3' };
    expect((await textOf(headers)).message).toBe('Invalid signature');
  });

  it('accepts 90 s of skew on both sides and not more', () => {
    const atMs = Date.UTC(2026, 10, 23, 8);
    const request = { method: 'POST', url: '/clues', headers: signed('POST', '/clues', atMs) };
    const faultAt = (nowMs: number) => bgSignatureFault(request, keys, nowMs);
    expect(faultAt(atMs + 90_000)).toBeNull();
    expect(faultAt(atMs - 90_000)).toBeNull();
    expect(faultAt(atMs + 90_001)).toBe('Clock skew exceeded');
    expect(faultAt(atMs - 90_001)).toBe('Clock skew exceeded');
  });

  it('refuses a date that is none', async () => {
    expect((await textOf({ 'x-bg-date-time': 'now' })).message).toBe('Clock skew exceeded');
  });

  it('sorts the query and ends with a line feed, as the public vector does', () => {
    const headers = {
      'x-bg-hmac-access-key': 'AK123',
      'x-bg-date-time': 'Tue, 09 Nov 2021 08:49:20 GMT',
    };
    const text = bgStringToSign({ method: 'POST', url: '/restapi/prod/IC000/x?b=2&a=1', headers });
    expect(createHmac('sha256', 'test-secret').update(text).digest('base64')).toBe(
      '9nWG6ULx62oyL6P5MeYRF6jEeaVSRjL9Av39YHGSg1k=',
    );
  });

  it('has an empty line where there is no query', () => {
    const text = bgStringToSign({ method: 'GET', url: '/clues', headers: {} });
    expect(text).toBe('GET\n/clues\n\n\n\n');
  });
});

describe('faults', () => {
  it('answers an injected status for so many requests, with Retry-After', async () => {
    const platform = await start({
      faults: [{ kind: 'status', status: 429, retryAfterS: 7, times: 2 }],
    });
    const first = await push(platform, clue('CL-1'));
    expect([first.status, first.headers.get('retry-after')]).toEqual([429, '7']);
    expect((await push(platform, clue('CL-1'))).status).toBe(429);
    expect(platform.received()).toEqual([]);
    expect((await push(platform, clue('CL-1'))).status).toBe(201);
  });

  it('loses the answer after it has stored the clue', async () => {
    const platform = await start();
    platform.inject({ kind: 'lose-after-commit' }, 1);
    await expect(push(platform, clue('CL-1'))).rejects.toThrow('fetch failed');
    expect(platform.received()).toHaveLength(1);
    expect((await push(platform, clue('CL-1'))).status).toBe(200);
  });

  it('hangs without storing, until it closes', async () => {
    const platform = await start();
    platform.inject({ kind: 'hang' }, 1);
    const hung = push(platform, clue('CL-1'));
    const settled = expect(hung).rejects.toThrow('fetch failed');
    await expect.poll(() => push(platform, clue('CL-2')).then(({ status }) => status)).toBe(200);
    expect(platform.received().map(({ clueNo }) => clueNo)).toEqual(['CL-2']);
    await platform.close();
    await settled;
  });
});

describe('the state file', () => {
  it('brings everything back after a restart, also after half a line', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'wugan-platform-'));
    open.push(() => rmSync(directory, { recursive: true }));
    const stateFile = join(directory, 'state', 'platform.jsonl');
    const before = await start({ stateFile });
    await push(before, clue('CL-1', 1));
    await push(before, clue('CL-1', 2));
    await before.close();
    appendFileSync(stateFile, '{"clueNo":"CL-1","revision":3');

    const after = await start({ stateFile });
    expect(after.received()).toEqual(before.received());
    expect((await push(after, clue('CL-1', 2))).status).toBe(200);
    const other = await push(after, clue('CL-2'));
    expect(await other.json()).toMatchObject({ platformNo: 'SIM-ZF-000002' });
    await after.close();
    expect((await start({ stateFile })).received()).toEqual(after.received());
  });
});
