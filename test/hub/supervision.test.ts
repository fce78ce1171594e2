import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import mqtt from 'mqtt';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { HubConfig } from '../../src/hub/config.ts';
import { startHub } from '../../src/hub/hub.ts';
import { silentLog } from '../database/test-database.ts';
import { hubSettings, REGION } from '../e2e/hub-files.ts';
import { startWugan, type WuganProcess } from '../e2e/wugan-process.ts';
import { freePort } from '../free-port.ts';

const GATEWAY = 'fleet-00000';

let dataDir: string;
const running: WuganProcess[] = [];

beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'run-hub-'));
});

afterEach(async () => {
  for (const { end } of running.splice(0)) await end('SIGKILL');
  for (const pid of serversOf(dataDir)) process.kill(pid, 'SIGQUIT');
  rmSync(dataDir, { recursive: true, force: true });
});

/** Settings of a hub with its own, embedded database. */
async function embeddedSettings(): Promise<Record<string, unknown>> {
  return {
    ...hubSettings({
      ...{ dataDir, databaseUrl: 'postgres://x', platformUrl: 'http://127.0.0.1:9', mqttPort: 0 },
      ...{ gateways: 1, load: 'A' },
    }),
    database: { port: await freePort() },
  };
}

/** Postmasters with a cluster below the folder. */
const serversOf = (folder: string): number[] =>
  readdirSync('/proc')
    .filter((pid) => /^\d+$/.test(pid))
    .map(Number)
    .filter((pid) => commandOf(pid).some((word) => isClusterIn(folder, word)));

const isClusterIn = (folder: string, word: string): boolean =>
  word.startsWith(`${folder}/`) && word.endsWith('/postgres');

function commandOf(pid: number): string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
  } catch {
    // Gone between the two looks.
    return [];
  }
}

const batch = (seconds: number): string => {
  const at = Math.floor(Date.now() / 1_000) * 1_000 - 60_000 + seconds * 1_000;
  const frames = [{ device: `${GATEWAY}-d`, at, spanMs: 1_000, values: { co: seconds } }];
  return JSON.stringify({ v: 1, gateway: GATEWAY, createdAt: at, frames });
};

describe('a hub whose embedded database is killed', () => {
  it('is not ready meanwhile, and acknowledges again without being started again', async () => {
    const hub = await startHub(HubConfig.parse(await embeddedSettings()), {
      log: silentLog,
      onFatal: (reason) => {
        throw new Error(reason);
      },
    });
    const client = await mqtt.connectAsync(`mqtt://127.0.0.1:${hub.mqttPort}`, {
      ...{ clientId: GATEWAY, reconnectPeriod: 100 },
    });
    const publish = (seconds: number): Promise<unknown> =>
      client.publishAsync(`wugan/v1/${REGION}/${GATEWAY}/live`, batch(seconds), { qos: 1 });
    try {
      await publish(1);
      const [postmaster] = serversOf(dataDir);
      process.kill(postmaster as number, 'SIGKILL');
      const readyStatus = async (): Promise<number> => (await fetch(`${hub.url}/readyz`)).status;
      await expect.poll(readyStatus, { timeout: 30_000 }).toBe(503);
      await publish(2);
      await expect.poll(readyStatus, { timeout: 30_000 }).toBe(200);
      expect(hub.stats().stored).toBeGreaterThanOrEqual(2);
    } finally {
      await client.endAsync(true);
      const reports = await hub.close(10_000);
      const database = reports.find(({ name }) => name === 'embedded PostgreSQL');
      expect(database).not.toHaveProperty('error');
    }
    expect(serversOf(dataDir)).toEqual([]);
  });
});

describe('Ctrl-C while wugan starts', () => {
  const goneInOrder = async (wugan: WuganProcess): Promise<void> => {
    // What takes longer than the bound of a stop, 9 s, gives another code.
    expect(await wugan.end('SIGINT')).toBe(0);
    expect(serversOf(dataDir)).toEqual([]);
  };

  function startHubProcess(settings: Record<string, unknown>): WuganProcess {
    const file = join(dataDir, 'hub.yaml');
    writeFileSync(file, stringify(settings));
    const wugan = startWugan(['hub', '-c', file, '--json']);
    running.push(wugan);
    return wugan;
  }

  const serverIsThere = (): Promise<void> =>
    expect
      .poll(() => serversOf(dataDir).length, { timeout: 30_000, interval: 20 })
      .toBeGreaterThan(0);

  it('leaves no database of the hub behind', async () => {
    const wugan = startHubProcess(await embeddedSettings());
    await serverIsThere();
    await goneInOrder(wugan);
  });

  it('ends a hub that waits for the lease of another', async () => {
    const settings = await embeddedSettings();
    const first = startHubProcess(settings);
    await first.event('ready');
    const password = readFileSync(join(dataDir, 'postgres-password'), 'utf8').trim();
    const { port } = settings['database'] as { port: number };
    const url = `postgres://wugan:${password}@127.0.0.1:${port}/wugan`;
    const own = { dataDir: join(dataDir, 'second'), logLevel: 'info' };
    const second = startHubProcess({ ...settings, ...own, database: { url } });
    await expect.poll(second.stderr, { timeout: 30_000 }).toContain('standing by');
    expect(await second.end('SIGINT')).toBe(0);
    await goneInOrder(first);
  });

  it('leaves none of the demo', async () => {
    const [http, mqttPort, database, platform, modbus] = await Promise.all(
      Array.from({ length: 5 }, freePort),
    );
    const ports = { http, mqtt: mqttPort, database, platform, modbus };
    const flags = Object.entries(ports).flatMap(([name, port]) => [`--${name}-port`, String(port)]);
    const wugan = startWugan(['demo', '--json', '--data-dir', dataDir, ...flags]);
    running.push(wugan);
    await expect
      .poll(() => readdirSync(dataDir, { recursive: true }).join(), {
        timeout: 30_000,
        interval: 20,
      })
      .toContain('postmaster.pid');
    await goneInOrder(wugan);
  });
});
