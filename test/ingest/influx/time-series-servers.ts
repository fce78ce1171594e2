import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { vi } from 'vitest';
import { watch } from '../../database/test-database.ts';
import { requireDebianPackage } from '../../debian-packages.ts';
import { freePort } from '../../free-port.ts';

export interface TimeSeriesServer {
  readonly url: string;
  /** Ends the process at once; the data stay. */
  kill(): Promise<void>;
  /** Starts it again on the same data and port. */
  start(): Promise<void>;
  close(): Promise<void>;
}

const ROOT = join(tmpdir(), `wugan-test-tsdb-${process.getuid?.() ?? 0}`);

/** Debian's VictoriaMetrics: takes InfluxDB's v2 writes, answers PromQL. */
export async function startVictoriaMetrics(): Promise<TimeSeriesServer> {
  const binary = await requireDebianPackage('victoria-metrics', 'victoria-metrics');
  const port = await freePort();
  return serve(binary, port, '/health', (folder) => [
    `-httpListenAddr=127.0.0.1:${port}`,
    `-storageDataPath=${folder}/data`,
    '-retentionPeriod=100y',
    // What was just written is to be found at once.
    '-search.latencyOffset=0',
    '-search.disableCache',
    '-memory.allowedBytes=64MB',
  ]);
}

/** Debian's InfluxDB 1.6: `/write` and InfluxQL. */
export async function startInfluxd1(): Promise<TimeSeriesServer> {
  const binary = await requireDebianPackage('influxdb', 'influxd');
  const port = await freePort();
  const rpcPort = await freePort();
  return serve(binary, port, '/ping', (folder) => {
    const file = join(folder, 'influxdb.conf');
    const lines = [
      'reporting-disabled = true',
      `bind-address = "127.0.0.1:${rpcPort}"`,
      '[meta]',
      `dir = "${folder}/meta"`,
      '[data]',
      `dir = "${folder}/data"`,
      `wal-dir = "${folder}/wal"`,
      '[http]',
      `bind-address = "127.0.0.1:${port}"`,
      'log-enabled = false',
      '[monitor]',
      'store-enabled = false',
    ];
    writeFileSync(file, `${lines.join('\n')}\n`);
    return ['-config', file];
  });
}

async function serve(
  binary: string,
  port: number,
  health: string,
  argumentsIn: (folder: string) => readonly string[],
): Promise<TimeSeriesServer> {
  mkdirSync(ROOT, { recursive: true });
  const folder = mkdtempSync(join(ROOT, 'run-'));
  const url = `http://127.0.0.1:${port}`;
  const given = argumentsIn(folder);
  let child: ChildProcess | undefined;
  let watcher: ChildProcess | undefined;

  async function start(): Promise<void> {
    child = spawn(binary, given, { stdio: 'ignore' });
    watcher = watch(child.pid as number, folder);
    await vi.waitFor(async () => (await fetch(url + health)).ok || Promise.reject(new Error()), {
      timeout: 30_000,
      interval: 30,
    });
  }
  async function kill(): Promise<void> {
    if (child === undefined) return;
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
    child = undefined;
    watcher?.kill('SIGKILL');
  }
  await start();
  return {
    url,
    kill,
    start,
    async close() {
      await kill();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Series and their samples (ms, value) as VictoriaMetrics exports them. */
export async function exportSeries(
  url: string,
  match: string,
): Promise<{ metric: Record<string, string>; values: number[]; timestamps: number[] }[]> {
  await fetch(`${url}/internal/force_flush`);
  const answer = await fetch(`${url}/api/v1/export?match[]=${encodeURIComponent(match)}`);
  const text = await answer.text();
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));
}

/** One InfluxQL statement → its series with rows; throws what the server says. */
export async function influxQl(
  url: string,
  q: string,
  db?: string,
): Promise<
  { name: string; tags?: Record<string, string>; columns: string[]; values: unknown[][] }[]
> {
  const parameters = new URLSearchParams({ q, epoch: 'ms', ...(db === undefined ? {} : { db }) });
  const answer = await fetch(`${url}/query`, { method: 'POST', body: parameters });
  const { results, error } = (await answer.json()) as {
    results?: { series?: never[]; error?: string }[];
    error?: string;
  };
  const failed = error ?? results?.[0]?.error;
  if (failed !== undefined) throw new Error(failed);
  return results?.[0]?.series ?? [];
}
