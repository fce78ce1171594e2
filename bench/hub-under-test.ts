import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import type { Load } from '../simulators/fleet-member.ts';
import { fleetRegistryYaml } from '../simulators/fleet-registry.ts';
import { type BenchChild, cpuSeconds, startChild } from './child.ts';
import { FLEET_REGION } from './fleet-region.ts';
import { PLATFORM_KEYS } from './push-latency.ts';

/** A hub with its embedded database in a folder of its own. */
export interface HubUnderTest {
  readonly mqtt: string;
  /** Address of the API. */
  readonly api: string;
  /** CPU seconds of the hub's process, and of its database, so far. */
  cpu(): Promise<{ readonly hubS: number; readonly databaseS: number }>;
  /** Resident MiB of the hub's process. */
  rssMiB(): number;
  /** Position of the journal, and how far it is evaluated. */
  status(): Promise<{ readonly pos: number; readonly lag: number }>;
  /** Ends when everything that is journaled is evaluated and its outputs are stored. */
  evaluated(): Promise<void>;
  /** Stops the process, by SIGKILL if told so, and starts it again; ends when it says it is ready. */
  restart(signal: 'SIGTERM' | 'SIGKILL'): Promise<void>;
  close(): Promise<void>;
}

export interface HubOptions {
  readonly gateways: number;
  readonly load: Load;
  /** Port of the database on 127.0.0.1. */
  readonly databasePort: number;
  /** Another broker than the embedded one. */
  readonly mqttUrl?: string;
  /** Where clues go, without the waits before a push; absent: nobody listens. */
  readonly platformUrl?: string;
}

/** High enough to bound no bridge of a bench. */
const CLIENT_RATE = { messagesPerSecond: 1_000_000, bytesPerSecond: 1_000_000_000 };

export async function startHubUnderTest(options: HubOptions): Promise<HubUnderTest> {
  const dataDir = await mkdtemp(join(tmpdir(), 'wugan-bench-'));
  const config = await writeConfig(dataDir, options);
  const start = (): Promise<BenchChild> =>
    startChild(['bin/wugan.js', 'hub', '--json', '-c', config]);
  let hub = await start();
  const status = async (): Promise<{ pos: number; lag: number }> => {
    const answer = await fetch(`${hub.ready['http']}/api/v1/status`);
    const { shards } = (await answer.json()) as { shards: { pos: number; lag: number }[] };
    return { pos: shards[0]?.pos ?? 0, lag: shards[0]?.lag ?? 0 };
  };
  return {
    mqtt: options.mqttUrl ?? (hub.ready['mqtt'] as string),
    api: hub.ready['http'] as string,
    status,
    rssMiB: () => rssMiB(hub.child.pid as number),
    async cpu() {
      const postmaster = Number(readFileSync(postmasterFile(dataDir), 'utf8').split('\n')[0]);
      const processes = [postmaster, ...childrenOf(postmaster)];
      const used = await Promise.all(processes.map((pid) => cpuSeconds(pid).catch(() => 0)));
      return {
        hubS: await cpuSeconds(hub.child.pid as number),
        databaseS: used.reduce((a, b) => a + b, 0),
      };
    },
    async evaluated() {
      while ((await status()).lag > 1) await new Promise((next) => setTimeout(next, 100));
    },
    async restart(signal) {
      const ended = new Promise((done) => hub.child.once('exit', done));
      hub.child.kill(signal);
      await ended;
      hub = await start();
    },
    async close() {
      await hub.stop();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

async function writeConfig(dataDir: string, options: HubOptions): Promise<string> {
  const { gateways, load, databasePort, mqttUrl, platformUrl } = options;
  const registry = join(dataDir, 'registry.yaml');
  await writeFile(registry, fleetRegistryYaml(gateways, { region: FLEET_REGION, load }));
  const platform = { url: platformUrl ?? 'http://127.0.0.1:9', ...PLATFORM_KEYS };
  const waits = { markingWindowMs: 0, markingMinimumMs: 0, shortTermWaitMs: 0 };
  const config = join(dataDir, 'hub.yaml');
  await writeFile(
    config,
    stringify({
      dataDir,
      logLevel: 'warn',
      database: { port: databasePort },
      http: { port: 0 },
      registry,
      ingest: {
        port: 0,
        bridges: ['wugan-fleet-*'],
        broker: { clientRate: CLIENT_RATE },
        ...(mqttUrl === undefined ? {} : { mqtt: { url: mqttUrl } }),
      },
      alerts: { platform, ...(platformUrl === undefined ? {} : { waits }) },
    }),
  );
  return config;
}

function postmasterFile(dataDir: string): string {
  const folder = readdirSync(dataDir, { recursive: true })
    .map(String)
    .find((path) => path.endsWith('postmaster.pid'));
  if (folder === undefined) throw new Error(`No database runs in ${dataDir}`);
  return join(dataDir, folder);
}

function childrenOf(parent: number): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => parentOf(pid) === parent);
}

function parentOf(pid: number): number | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
  } catch {
    // It ended while we looked.
    return null;
  }
}

function rssMiB(pid: number): number {
  const kiB = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Number(kiB) / 1_024;
}
