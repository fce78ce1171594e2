import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { API_ERRORS, ErrorResponse } from '../../src/api/errors.ts';
import { buildApi } from '../../src/api/server.ts';
import { connect } from '../../src/database/connect.ts';
import { freePort } from '../free-port.ts';
import { createTestApi, depsOf, type TestApi } from './test-api.ts';

let api: TestApi;

beforeAll(async () => {
  api = await createTestApi({
    ready: () => Promise.reject(new Error('secret detail of a bug')),
  });
});

afterAll(() => api.close());

describe('the error catalogue', () => {
  it('gives every code an error status and a hint that is a sentence', () => {
    for (const [code, { status, hint }] of Object.entries(API_ERRORS)) {
      expect(code).toMatch(/^[A-Z]+(_[A-Z]+)*$/);
      expect(status).toBeGreaterThanOrEqual(400);
      expect(hint).toMatch(/^[A-Z].{10,}\.$/);
    }
  });

  it.each([
    ['GET', '/api/v1/nothing', 404, 'ROUTE_NOT_FOUND'],
    ['GET', '/nothing.js', 404, 'ROUTE_NOT_FOUND'],
    ['POST', '/api/v1/clues', 404, 'ROUTE_NOT_FOUND'],
    ['GET', '/api/v1/clues?limit=-1', 400, 'INVALID_REQUEST'],
    ['GET', '/api/v1/series', 400, 'INVALID_REQUEST'],
    ['GET', '/api/v1/clues?stat=ACKED', 400, 'INVALID_REQUEST'],
    ['GET', '/api/v1/clues?state=NOPE', 400, 'INVALID_REQUEST'],
    ['GET', '/%', 400, 'INVALID_REQUEST'],
    ['GET', '/readyz', 500, 'INTERNAL'],
  ] as const)('answers %s %s with %i %s in the one shape', async (method, url, status, code) => {
    const answer = await api.app.inject({ method, url });
    expect(answer.statusCode).toBe(status);
    const { error } = ErrorResponse.parse(answer.json());
    expect(error.code).toBe(code);
    expect(error.hint).toBe(API_ERRORS[code].hint);
  });

  it('names every wrong parameter at once', async () => {
    const { body } = await api.get('/api/v1/series?device=&fromMs=x');
    const { message } = ErrorResponse.parse(body).error;
    expect(message).toContain('device');
    expect(message).toContain('metric');
    expect(message).toContain('fromMs');
  });

  it('says what was expected of a parameter, once', async () => {
    const { body } = await api.get('/api/v1/clues?limit=x&stat=ACKED');
    const { message } = ErrorResponse.parse(body).error;
    expect(message).toBe(
      'Cannot use the request: limit: expected number; request: Unrecognized key: "stat"',
    );
  });

  it.each([
    ['application/x-www-form-urlencoded', '{}', 'application/json'],
    ['application/json', '{', 'not JSON'],
    ['application/json', '', 'there is none'],
    ['application/json', 'x'.repeat(70_000), '64 KiB'],
  ])('says what is wrong with a body of %s', async (type, payload, said) => {
    const operated = buildApi({ ...depsOf(api.database), operatorToken: 't'.repeat(32) });
    const answer = await operated.inject({
      ...{ method: 'POST', url: '/api/v1/gateways/gw-1/commands', payload },
      headers: { authorization: `Bearer ${'t'.repeat(32)}`, 'content-type': type },
    });
    await operated.close();
    expect(answer.statusCode).toBe(400);
    expect(ErrorResponse.parse(answer.json()).error.message).toContain(said);
  });

  it.each(['/api/v1/gateways/gw-1/commands', '/api/v1/dead-letters/1/replay'])(
    'says that no process with the role ingest answers %s',
    async (url) => {
      const away = async () => ({ ok: false, reason: 'no-ingest', detail: 'none' }) as const;
      const operated = buildApi({
        ...depsOf(api.database, { command: away, replayLetter: away }),
        operatorToken: 't'.repeat(32),
      });
      const answer = await operated.inject({
        ...{ method: 'POST', url, headers: { authorization: `Bearer ${'t'.repeat(32)}` } },
        ...(url.endsWith('commands') ? { payload: { command: 'time' } } : {}),
      });
      await operated.close();
      expect(answer.statusCode).toBe(503);
      expect(ErrorResponse.parse(answer.json()).error.code).toBe('INGEST_UNAVAILABLE');
    },
  );

  it('does not tell strangers what is wrong inside', async () => {
    const answer = await api.app.inject('/readyz');
    expect(answer.body).not.toContain('secret');
  });

  it('answers 503 with Retry-After while the database is away', async () => {
    const url = `postgres://wugan@127.0.0.1:${await freePort()}/wugan`;
    const away = connect(url, { connectionsMax: 1, onError: () => undefined });
    const alone = buildApi(depsOf({ ...api.database, db: away.db }));
    const answer = await alone.inject('/api/v1/clues');
    expect(answer.statusCode).toBe(503);
    expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
    expect(ErrorResponse.parse(answer.json()).error.code).toBe('DATABASE_UNAVAILABLE');
    await alone.close();
    await away.close();
  });
});
