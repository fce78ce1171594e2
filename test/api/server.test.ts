import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startApi } from '../../src/api/server.ts';
import { createTestDatabase, type TestDatabase } from '../database/test-database.ts';
import { depsOf } from './test-api.ts';

let database: TestDatabase;

beforeAll(async () => {
  database = await createTestDatabase();
});

afterAll(() => database.close());

describe('startApi()', () => {
  it('gives the address that it listens on', async () => {
    const api = await startApi({ host: '127.0.0.1', port: 0 }, depsOf(database));
    expect(api.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    expect((await fetch(`${api.url}/healthz`)).status).toBe(200);
    await api.close();
    await expect(fetch(`${api.url}/healthz`)).rejects.toThrow();
  });

  it('names a busy port and the setting that changes it', async () => {
    const other: Server = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => other.once('listening', resolve));
    const { port } = other.address() as AddressInfo;
    await expect(startApi({ host: '127.0.0.1', port }, depsOf(database))).rejects.toThrow(
      `Cannot serve HTTP on 127.0.0.1:${port}: the port is in use. Choose another with the setting http.port.`,
    );
    await new Promise((resolve) => other.close(resolve));
  });

  it('closes within its bound although a client holds a half-sent request open', async () => {
    const api = await startApi({ host: '127.0.0.1', port: 0 }, depsOf(database));
    const socket = connect(Number(new URL(api.url).port), '127.0.0.1');
    socket.on('error', () => undefined);
    await new Promise((resolve) => socket.once('connect', resolve));
    socket.write('GET /healthz HTTP/1.1\r\nhost: x\r\n');
    // The client would hold it open for ever, and this test with it.
    await api.close();
    socket.destroy();
  });
});
