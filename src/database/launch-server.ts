import { readFileSync, rmSync, statSync, truncateSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import pg from 'pg';
import { isAlive } from '../process/alive.ts';
import type { Logger } from '../process/log.ts';
import {
  EmbeddedPostgresError,
  isServerOf,
  readPostmasterFile,
  spawnServer,
  stopServer,
} from './postgres-process.ts';

/** A server that answers. */
export interface RunningServer {
  readonly pid: number;
  /** True: a server that a killed process had left running. */
  readonly takenOver: boolean;
  ended(): boolean;
}

const LOG_BYTES_MAX = 10 * 1024 * 1024;
const START_MS_MAX = 60_000;
/** A server left running gets this long to answer before it is stopped and started again. */
const ANSWER_MS_MAX = 15_000;

interface LaunchOptions {
  readonly pgData: string;
  readonly port: number;
  readonly password: string;
  readonly logFile: string;
  readonly settings: Readonly<Record<string, string>>;
  readonly log: Logger;
  readonly signal: AbortSignal;
}

/** Takes over the server of a folder, or starts one; none is left when the signal aborts. */
export async function launchServer(options: LaunchOptions): Promise<RunningServer> {
  const { pgData, port, logFile, log, signal } = options;
  const left = await takeOver(options);
  if (left !== null) return left;
  await assertPortFree(port);
  signal.throwIfAborted();
  if ((statSync(logFile, { throwIfNoEntry: false })?.size ?? 0) > LOG_BYTES_MAX) {
    truncateSync(logFile);
  }
  const child = await spawnServer(pgData, logFile, options.settings);
  const { pid } = child;
  const ended = (): boolean =>
    pid === undefined || child.exitCode !== null || child.signalCode !== null;
  if (pid === undefined || !(await answers(options, START_MS_MAX, ended))) {
    if (pid !== undefined && !ended()) await stopServer(pid, ended);
    signal.throwIfAborted();
    throw new EmbeddedPostgresError(
      `Cannot start PostgreSQL on port ${port}: ${lastLine(logFile)}`,
      `See ${logFile}`,
    );
  }
  await ensureDatabase(urlOf(options));
  log.info({ pid, port }, 'started the embedded PostgreSQL');
  return { pid, takenOver: false, ended };
}

/** The server that was left running in the folder; null: there is none any more. */
async function takeOver(options: LaunchOptions): Promise<RunningServer | null> {
  const { pgData, port, log, signal } = options;
  const left = await readPostmasterFile(pgData);
  if (left === null) return null;
  const { pid } = left;
  const ended = (): boolean => !isAlive(pid);
  if (!isServerOf(pid, pgData)) {
    rmSync(join(pgData, 'postmaster.pid'), { force: true });
    return null;
  }
  if (left.port === port && (await answers(options, ANSWER_MS_MAX, ended))) {
    log.info({ pid, port }, 'took over the PostgreSQL left running');
    await ensureDatabase(urlOf(options));
    return { pid, takenOver: true, ended };
  }
  log.warn({ pid }, 'stopping a PostgreSQL left running that can not be taken over');
  await stopServer(pid, ended);
  signal.throwIfAborted();
  return null;
}

const urlOf = ({ password, port }: LaunchOptions): string =>
  `postgres://wugan:${password}@127.0.0.1:${port}/postgres`;

/** Waits until the server takes a query; false when it ended, did not within the time, or at abort. */
async function answers(
  options: LaunchOptions,
  withinMs: number,
  ended: () => boolean,
): Promise<boolean> {
  const connectionString = urlOf(options);
  let deadlineMs = Date.now() + withinMs;
  while (Date.now() < deadlineMs && !ended() && !options.signal.aborted) {
    const client = new pg.Client({ connectionString, connectionTimeoutMillis: 2_000 });
    client.on('error', () => undefined);
    try {
      await client.connect();
      await client.query('select 1');
      return true;
    } catch (error) {
      const code = (error as { code?: string }).code;
      // 28P01: another password, so not our server; waiting would not change it.
      if (code === '28P01') return false;
      // 57P03: it is starting; after a crash it replays its log first, however long that takes.
      if (code === '57P03') deadlineMs = Date.now() + withinMs;
      await new Promise((next) => setTimeout(next, 20));
    } finally {
      await client.end().catch(() => undefined);
    }
  }
  return false;
}

async function ensureDatabase(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const found = await client.query(`select 1 from pg_database where datname = 'wugan'`);
    if (found.rowCount === 0) await client.query('create database wugan');
  } finally {
    await client.end();
  }
}

function assertPortFree(port: number): Promise<void> {
  return new Promise((free, busy) => {
    const probe = createServer();
    probe.once('error', (error: NodeJS.ErrnoException) => {
      busy(
        new EmbeddedPostgresError(
          `Cannot start PostgreSQL: port ${port} on 127.0.0.1 is ${error.code === 'EADDRINUSE' ? 'in use' : `not usable (${error.code})`}`,
          'Stop what uses it, or set database.port to another',
        ),
      );
    });
    probe.listen(port, '127.0.0.1', () => probe.close(() => free()));
  });
}

/** What the server said last of a fault, else last of all. */
function lastLine(logFile: string): string {
  const lines = readFileSync(logFile, 'utf8').trimEnd().split('\n').slice(-50);
  const fault = lines.findLast((line) => /\b(FATAL|PANIC|ERROR):/.test(line));
  return fault ?? (lines.at(-1) || 'it wrote no log');
}
