import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
} from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { pino } from 'pino';
import { connect, type DatabaseConnection } from '../../src/database/connect.ts';
import {
  type EmbeddedPostgres,
  openCluster,
  startEmbeddedPostgres,
} from '../../src/database/embedded.ts';
import type { RunningServer } from '../../src/database/launch-server.ts';
import { migrate } from '../../src/database/migrate.ts';
import { stopServer } from '../../src/database/postgres-process.ts';
import { sha256Hex } from '../../src/model/digest.ts';
import { freePort } from '../free-port.ts';

export interface TestDatabase extends DatabaseConnection {
  readonly url: string;
  /** Closes the pool and drops the database; the server ends with the test process. */
  close(): Promise<void>;
}

export const silentLog = pino({ level: 'silent' });

/** Small and fast; what is committed survives the death of the server, not of the machine. */
const SETTINGS = {
  fsync: 'off',
  full_page_writes: 'off',
  shared_buffers: '64MB',
  max_wal_size: '256MB',
  log_min_messages: 'fatal',
} as const;

let server: Promise<EmbeddedPostgres> | undefined;
let databases = 0;

/**
 * A migrated, empty database on a PostgreSQL of this test process's own. The first call takes about
 * half a second, each further one about 50 ms.
 */
export async function createTestDatabase(): Promise<TestDatabase> {
  server ??= startServer();
  const { url: templateUrl } = await server;
  databases += 1;
  const name = `test_${databases}`;
  await runIn(templateUrl, 'postgres', `create database ${name} template wugan`);
  const url = withDatabase(templateUrl, name);
  const connection = connect(url, { connectionsMax: 10, onError: () => undefined });
  return {
    ...connection,
    url,
    close: async () => {
      await connection.close();
      await runIn(templateUrl, 'postgres', `drop database ${name} with (force)`);
    },
  };
}

function withDatabase(url: string, database: string): string {
  const changed = new URL(url);
  changed.pathname = `/${database}`;
  return changed.href;
}

async function runIn(url: string, database: string, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: withDatabase(url, database) });
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}

/** Folders of the servers live here; a template is kept for each state of the schema. */
const ROOT = join(tmpdir(), `wugan-test-${userInfo().uid}`);
const SOURCES = new URL('../../src/database/', import.meta.url);

function schemaHash(): string {
  const files = readdirSync(new URL('migrations/', SOURCES)).sort();
  const texts = [
    ...files.map((file) => readFileSync(new URL(`migrations/${file}`, SOURCES), 'utf8')),
    ...['migrate.ts', 'init-cluster.ts'].map((file) =>
      readFileSync(new URL(file, SOURCES), 'utf8'),
    ),
  ];
  return sha256Hex(texts.join('\0')).slice(0, 16);
}

async function startServer(): Promise<EmbeddedPostgres> {
  const template = join(ROOT, `template-${schemaHash()}`);
  if (!existsSync(template)) await makeTemplate(template);
  const dataDir = mkdtempSync(join(ROOT, 'run-'));
  // cp keeps the owner, which is another user when the tests run as root.
  execFileSync('cp', ['-a', `${template}/.`, dataDir]);
  return startWatched(dataDir);
}

async function makeTemplate(template: string): Promise<void> {
  mkdirSync(ROOT, { recursive: true, mode: 0o755 });
  const dataDir = mkdtempSync(join(ROOT, 'new-'));
  const started = await startWatched(dataDir);
  const { db, close } = connect(started.url, { connectionsMax: 1, onError: () => undefined });
  await migrate(db);
  await close();
  await started.close();
  try {
    renameSync(dataDir, template);
  } catch (error) {
    // Another test process was faster: its template is as good.
    if (!existsSync(template)) throw error;
    rmSync(dataDir, { recursive: true });
  }
}

/** A server of one test's own, which may be killed and started again. */
export interface CrashableServer extends DatabaseConnection {
  readonly url: string;
  /**
   * Ends every process of the server; returns when they are gone. SIGQUIT: at once, by themselves.
   * SIGKILL: in the middle of whatever they do. SIGINT: cleanly, with their transactions rolled back.
   */
  crash(signal?: 'SIGQUIT' | 'SIGKILL' | 'SIGINT'): Promise<void>;
  /** Its processes stand still: connections stay and say nothing. */
  pause(): void;
  resume(): void;
  /** Starts it again on the same data and port. */
  start(): Promise<void>;
}

export async function createCrashableServer(): Promise<CrashableServer> {
  const template = join(ROOT, `template-${schemaHash()}`);
  if (!existsSync(template)) await makeTemplate(template);
  const dataDir = mkdtempSync(join(ROOT, 'run-'));
  execFileSync('cp', ['-a', `${template}/.`, dataDir]);
  const port = await freePort();
  // Without its supervisor: it stays away until the test starts it.
  const { signal } = new AbortController();
  const options = { dataDir, port, log: silentLog, settings: SETTINGS };
  const cluster = await openCluster(options, signal);
  const launch = async (): Promise<RunningServer> => {
    const launched = await cluster.launch(signal);
    watch(launched.pid, dataDir);
    return launched;
  };
  let server = await launch();
  const connection = connect(cluster.url, { connectionsMax: 10, onError: () => undefined });
  const signalAll = (signal: NodeJS.Signals): void => {
    for (const pid of [server.pid, ...childrenOf(server.pid)]) process.kill(pid, signal);
  };
  return {
    ...connection,
    url: cluster.url,
    async crash(signal = 'SIGQUIT') {
      if (signal === 'SIGKILL') signalAll(signal);
      else process.kill(server.pid, signal);
      while (!server.ended()) await new Promise((next) => setTimeout(next, 10));
    },
    pause: () => signalAll('SIGSTOP'),
    resume: () => signalAll('SIGCONT'),
    async start() {
      server = await launch();
    },
    async close() {
      await connection.close();
      await stopServer(server.pid, server.ended);
    },
  };
}

function childrenOf(pid: number): number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
    .split(' ')
    .filter((text) => text !== '')
    .map(Number);
}

/** Starts a server that ends, and its folder with it, when this process ends in whatever way. */
async function startWatched(dataDir: string): Promise<EmbeddedPostgres> {
  const port = await freePort();
  const started = await startEmbeddedPostgres({
    dataDir,
    port,
    log: silentLog,
    settings: SETTINGS,
  });
  watch(started.pid, dataDir);
  return started;
}

/** A shell that reads from us: the pipe closes when we die, by SIGKILL too. */
export function watch(pid: number, folder: string): ChildProcess {
  const script = `read -r _; kill -QUIT ${pid} 2>/dev/null; sleep 0.2; case "${folder}" in */run-*) rm -rf "${folder}";; esac`;
  const watcher = spawn('sh', ['-c', script], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  watcher.unref();
  (watcher.stdin as unknown as { unref(): void }).unref();
  return watcher;
}
