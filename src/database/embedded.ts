import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { isAlive, startOf } from '../process/alive.ts';
import type { Logger } from '../process/log.ts';
import { makeFolder } from '../process/make-folder.ts';
import { initCluster } from './init-cluster.ts';
import { launchServer, type RunningServer } from './launch-server.ts';
import { EmbeddedPostgresError } from './postgres-process.ts';
import { superviseServer } from './supervise-server.ts';

export interface EmbeddedPostgres {
  /** `postgres://wugan:…@127.0.0.1:port/wugan`. */
  readonly url: string;
  /** Process id of the server; another one after it was started again. */
  readonly pid: number;
  /** True: a server that a killed process had left running. */
  readonly takenOver: boolean;
  /** Why the server is away; null: it runs. It is started again for as long as it takes. */
  failure(): string | null;
  /** Stops the server, also one that was taken over. */
  close(): Promise<void>;
}

/** Durable first: what the journal commits is on the disk when the commit returns. */
const SETTINGS: Readonly<Record<string, string>> = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  fsync: 'on',
  synchronous_commit: 'on',
  full_page_writes: 'on',
  max_connections: '120',
  shared_buffers: '256MB',
  wal_buffers: '16MB',
  max_wal_size: '2GB',
  checkpoint_timeout: '15min',
  // Blocks are compressed before they come here.
  wal_compression: 'off',
  jit: 'off',
  log_checkpoints: 'off',
  log_min_messages: 'warning',
};

export interface EmbeddedOptions {
  readonly dataDir: string;
  readonly port: number;
  readonly log: Logger;
  /** Server settings that replace the ones above. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Ends a start that is under way; nothing is left running then. */
  readonly signal?: AbortSignal;
}

/**
 * Starts PostgreSQL on 127.0.0.1 with its cluster in `dataDir/postgres`, made at the first start with
 * a random password in `dataDir/postgres-password` (0600). A server that a killed process left running
 * there is taken over when it answers, else stopped by its pid. One that ends by itself is started
 * again until `close`. Throws `EmbeddedPostgresError`.
 */
export async function startEmbeddedPostgres(options: EmbeddedOptions): Promise<EmbeddedPostgres> {
  const signal = options.signal ?? new AbortController().signal;
  const cluster = await openCluster(options, signal);
  const first = await cluster.launch(signal);
  const server = superviseServer(first, cluster.launch, options.log);
  return {
    url: cluster.url,
    get pid() {
      return server.pid();
    },
    takenOver: first.takenOver,
    failure: server.failure,
    close: async () => {
      await server.close();
      cluster.giveUp();
    },
  };
}

/** A cluster on the disk, whose server may be started. */
export interface Cluster {
  readonly url: string;
  launch(signal: AbortSignal): Promise<RunningServer>;
  /** Lets another process have the folder. */
  giveUp(): void;
}

/** Claims the folder and makes the cluster when it is not there. */
export async function openCluster(
  { dataDir, port, log, settings }: EmbeddedOptions,
  signal: AbortSignal,
): Promise<Cluster> {
  const folder = resolve(dataDir);
  const pgData = join(folder, 'postgres');
  makeFolder(folder);
  claim(folder);
  const password = readOrMakePassword(folder);
  await ensureCluster(pgData, password, signal);
  return {
    url: `postgres://wugan:${password}@127.0.0.1:${port}/wugan`,
    launch: (ending) =>
      launchServer({
        ...{ pgData, port, password, log, signal: ending },
        logFile: join(folder, 'postgres.log'),
        settings: { ...SETTINGS, port: String(port), ...settings },
      }),
    giveUp: () => rmSync(join(folder, 'owner'), { force: true }),
  };
}

/** A cluster appears under its name only when it is whole: an interrupted initdb starts again. */
async function ensureCluster(pgData: string, password: string, signal: AbortSignal): Promise<void> {
  if (statSync(pgData, { throwIfNoEntry: false }) !== undefined) return;
  const unfinished = `${pgData}.new`;
  rmSync(unfinished, { recursive: true, force: true });
  mkdirSync(unfinished, { mode: 0o700 });
  await initCluster(unfinished, password, signal);
  renameSync(unfinished, pgData);
}

/** One process per folder: a second would stop the first one's database when it closes. */
function claim(dataDir: string): void {
  const file = join(dataDir, 'owner');
  if (statSync(file, { throwIfNoEntry: false }) !== undefined) {
    const [pid = '', start = ''] = readFileSync(file, 'utf8').split(' ');
    const other = Number(pid);
    if (other !== process.pid && isAlive(other) && startOf(other) === start) {
      throw new EmbeddedPostgresError(
        `${dataDir} is in use by process ${other}`,
        'Stop that process, or set another dataDir',
      );
    }
  }
  writeFileSync(file, `${process.pid} ${startOf(process.pid)}`);
}

function readOrMakePassword(dataDir: string): string {
  const file = join(dataDir, 'postgres-password');
  if (statSync(file, { throwIfNoEntry: false }) === undefined) {
    writeFileSync(file, randomBytes(24).toString('hex'), { mode: 0o600, flag: 'wx' });
  }
  return readFileSync(file, 'utf8').trim();
}
