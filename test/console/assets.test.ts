import { gunzipSync } from 'node:zlib';
import type { FastifyInstance } from 'fastify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildApi } from '../../src/api/server.ts';
import { connect } from '../../src/database/connect.ts';
import { depsOf } from '../api/test-api.ts';

/** The page's files need no database: this one is never asked. */
const nowhere = connect('postgres://wugan@127.0.0.1:1/wugan', { onError: () => undefined });
let app: FastifyInstance;

beforeAll(() => {
  app = buildApi(depsOf({ ...nowhere, url: '' }));
});

afterAll(async () => {
  await app.close();
  await nowhere.close();
});

describe('the files of the page', () => {
  it('come from this server alone: the policy lets nothing else in', async () => {
    const { statusCode, headers } = await app.inject('/');
    expect(statusCode).toBe(200);
    expect(headers['content-type']).toContain('text/html');
    expect(headers['content-security-policy']).toContain("default-src 'self'");
    expect(headers['content-security-policy']).toContain("frame-ancestors 'none'");
    expect(headers['x-content-type-options']).toBe('nosniff');
  });

  it('include the chart library, packed for who can unpack it', async () => {
    const plain = await app.inject('/vendor/echarts.mjs');
    const packed = await app.inject({
      url: '/vendor/echarts.mjs',
      headers: { 'accept-encoding': 'br, gzip' },
    });
    expect(plain.headers['content-type']).toContain('text/javascript');
    expect(packed.headers['content-encoding']).toBe('gzip');
    expect(packed.rawPayload.length).toBeLessThan(plain.rawPayload.length / 2);
    expect(gunzipSync(packed.rawPayload).equals(plain.rawPayload)).toBe(true);
  });

  it('are not sent again to who has them', async () => {
    const { headers } = await app.inject('/vendor/echarts.mjs');
    const again = await app.inject({
      url: '/vendor/echarts.mjs',
      headers: { 'if-none-match': String(headers.etag) },
    });
    expect(again.statusCode).toBe(304);
  });

  it.each(['/../server.ts', '/..%2fpackage.json', '/%2e%2e/%2e%2e/api/server.ts'])(
    'stay inside their folder: %s',
    async (url) => {
      const { statusCode } = await app.inject(url);
      expect(statusCode).toBeGreaterThanOrEqual(400);
    },
  );
});
