import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../../src/database/embedded.ts';
import { isAlive } from '../../src/process/alive.ts';
import { freePort } from '../free-port.ts';
import { createTestDatabase, silentLog, watch } from './test-database.ts';

let dataDir: string;
let started: EmbeddedPostgres | undefined;

beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'run-embedded-'));
});

afterEach(async () => {
  await started?.close();
  started = undefined;
  rmSync(dataDir, { recursive: true, force: true });
});

async function start(port: number): Promise<EmbeddedPostgres> {
  started = await startEmbeddedPostgres({ dataDir, port, log: silentLog });
  watch(started.pid, dataDir);
  return started;
}

async function ask(url: string, sql: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query({ text: sql, rowMode: 'array' })).rows.flat();
  } finally {
    await client.end();
  }
}

/** Processes that name the folder. */
const serversOf = (folder: string): string[] =>
  readdirSync('/proc').filter((pid) => {
    try {
      return (
        /^\d+$/.test(pid) && readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(`${folder}/`)
      );
    } catch {
      return false;
    }
  });

/** Starts the server from a process of its own and kills that process: what a dead hub leaves. */
async function leaveRunning(port: number): Promise<number> {
  const script = `
    const { startEmbeddedPostgres } = await import(${JSON.stringify(new URL('../../src/database/embedded.ts', import.meta.url).href)});
    const log = { info() {}, warn() {} };
    const { pid } = await startEmbeddedPostgres({ dataDir: ${JSON.stringify(dataDir)}, port: ${port}, log });
    console.log(pid);
    setInterval(() => {}, 1_000);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script]);
  const pid = await firstLine(child);
  watch(pid, dataDir);
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  await gone;
  return pid;
}

const firstLine = (child: ChildProcess): Promise<number> =>
  new Promise((resolve, reject) => {
    let errors = '';
    child.stderr?.on('data', (chunk: Buffer) => {
      errors += chunk.toString();
    });
    child.stdout?.once('data', (chunk: Buffer) => resolve(Number(chunk.toString())));
    child.once('exit', () => reject(new Error(`The child ended: ${errors}`)));
  });

describe('startEmbeddedPostgres()', () => {
  it('keeps what it was given over a stop and a start', async () => {
    const port = await freePort();
    const { url, close } = await start(port);
    await ask(url, 'create table kept as select 7 as n');
    await close();
    expect(await ask((await start(port)).url, 'select n from kept')).toEqual([7]);
  });

  it('commits to the disk, and listens on 127.0.0.1 only', async () => {
    const { url } = await start(await freePort());
    const settings = await ask(
      url,
      `select name || '=' || setting from pg_settings where name in ('fsync', 'synchronous_commit',
       'full_page_writes', 'listen_addresses', 'unix_socket_directories') order by name`,
    );
    expect(settings).toEqual([
      'fsync=on',
      'full_page_writes=on',
      'listen_addresses=127.0.0.1',
      'synchronous_commit=on',
      'unix_socket_directories=',
    ]);
  });

  it('makes a password of its own, readable by its owner only', async () => {
    const { url } = await start(await freePort());
    const file = join(dataDir, 'postgres-password');
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const wrong = new URL(url);
    wrong.password = 'postgres';
    await expect(ask(wrong.href, 'select 1')).rejects.toThrow(/password authentication failed/);
  });

  it('takes over a server that a killed process left running, and stops it at close', async () => {
    const port = await freePort();
    const pid = await leaveRunning(port);
    expect(isAlive(pid)).toBe(true);
    const taken = await start(port);
    expect(taken).toMatchObject({ pid, takenOver: true });
    expect(await ask(taken.url, 'select 1')).toEqual([1]);
    await taken.close();
    expect(isAlive(pid)).toBe(false);
  });

  it('stops a server left running on another port and starts anew on the one that is set', async () => {
    const pid = await leaveRunning(await freePort());
    const port = await freePort();
    const anew = await start(port);
    expect(isAlive(pid)).toBe(false);
    expect(anew.takenOver).toBe(false);
    expect(await ask(anew.url, `select current_setting('port')`)).toEqual([String(port)]);
  });

  it('names the port that is busy and the setting that changes it', async () => {
    const busy = createServer();
    const port = await freePort();
    await new Promise<void>((listening) => busy.listen(port, '127.0.0.1', listening));
    await expect(start(port)).rejects.toThrow(new RegExp(`port ${port} .*database\\.port`));
    await new Promise((closed) => busy.close(closed));
  });

  it('starts a server again that was killed, with what it held, and tells that it is away', async () => {
    const server = await start(await freePort());
    await ask(server.url, 'create table kept as select 7 as n');
    const { pid } = server;
    process.kill(pid, 'SIGKILL');
    await expect.poll(server.failure).toMatch(/ended/);
    await expect.poll(server.failure, { timeout: 30_000 }).toBeNull();
    expect(server.pid).not.toBe(pid);
    watch(server.pid, dataDir);
    expect(await ask(server.url, 'select n from kept')).toEqual([7]);
  });

  it('starts a taken over server again too', async () => {
    const port = await freePort();
    const pid = await leaveRunning(port);
    const server = await start(port);
    process.kill(pid, 'SIGKILL');
    await expect.poll(server.failure).toMatch(/ended/);
    await expect.poll(server.failure, { timeout: 30_000 }).toBeNull();
    watch(server.pid, dataDir);
    expect(await ask(server.url, 'select 1')).toEqual([1]);
  });

  it('tries as long as the server can not start, and stops trying at close', async () => {
    const port = await freePort();
    const server = await start(port);
    process.kill(server.pid, 'SIGKILL');
    await expect.poll(() => isAlive(server.pid)).toBe(false);
    const busy = createServer();
    await new Promise<void>((listening) => busy.listen(port, '127.0.0.1', listening));
    await expect.poll(server.failure, { timeout: 30_000 }).toMatch(/does not start.*in use/);
    await new Promise((closed) => busy.close(closed));
    await expect.poll(server.failure, { timeout: 30_000 }).toBeNull();
    watch(server.pid, dataDir);
    process.kill(server.pid, 'SIGKILL');
    await expect.poll(server.failure).toMatch(/ended/);
    const last = server.pid;
    await server.close();
    expect([server.pid, isAlive(last)]).toEqual([last, false]);
  });

  it('leaves nothing behind when the start is broken off, wherever it is', async () => {
    for (const afterMs of [0, 300, 900, 1_300]) {
      const stop = new AbortController();
      const starting = startEmbeddedPostgres({
        ...{ dataDir, port: await freePort(), log: silentLog, signal: stop.signal },
      });
      setTimeout(() => stop.abort(), afterMs);
      started = await starting.catch(() => undefined);
      await started?.close();
      started = undefined;
      expect(serversOf(dataDir)).toEqual([]);
    }
  });

  it('refuses a folder that another living process uses', async () => {
    const child = spawn('sleep', ['60']);
    const stat = join('/proc', String(child.pid), 'stat');
    await expect.poll(() => statSync(stat, { throwIfNoEntry: false })).toBeDefined();
    const startTime = readFileSync(stat, 'utf8').split(' ')[21];
    writeFileSync(join(dataDir, 'owner'), `${child.pid} ${startTime}`);
    await expect(start(await freePort())).rejects.toThrow(`in use by process ${child.pid}`);
    child.kill();
  });
});

it('createTestDatabase() gives a migrated, empty database each time', async () => {
  for (let i = 0; i < 2; i++) {
    const { pool, close } = await createTestDatabase();
    expect((await pool.query('select count(*) as n from telemetry.shard')).rows).toEqual([
      { n: 0 },
    ]);
    await pool.query(
      `insert into telemetry.shard values ('main', 1, '', 0, 0, ''), ('other', 1, '', 0, 0, '')`,
    );
    await close();
  }
});
