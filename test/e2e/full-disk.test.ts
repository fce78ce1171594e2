import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { runFleet } from '../../simulators/fleet.ts';
import { connect } from '../../src/database/connect.ts';
import { freePort } from '../free-port.ts';
import { REGION, writeHubFile } from './hub-files.ts';
import { batchKeys, readJournal, until } from './hub-outcome.ts';
import { startWugan, type WuganProcess } from './wugan-process.ts';

const GATEWAYS = 4;
const DISK_MIB = 400;

let folder: string;
let hub: WuganProcess | undefined;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'wugan-full-disk-'));
  if (process.getuid?.() !== 0) {
    throw new Error('This test mounts a small disk: run it as root, e.g. in a container');
  }
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${DISK_MIB}m`, 'tmpfs', folder]);
});

afterEach(async () => {
  await hub?.end('SIGTERM');
  hub = undefined;
  execFileSync('umount', ['-l', folder]);
  rmSync(folder, { recursive: true, force: true });
});

/** A hub with its embedded database on the small disk. */
function hubFile(mqttPort: number, databasePort: number): string {
  const dataDir = join(folder, 'data');
  mkdirSync(dataDir);
  const file = writeHubFile({
    ...{ dataDir, databaseUrl: 'postgres://unused', platformUrl: 'http://127.0.0.1:9' },
    ...{ mqttPort, gateways: GATEWAYS, load: 'B' },
  });
  const settings = parse(readFileSync(file, 'utf8')) as Record<string, unknown>;
  writeFileSync(file, stringify({ ...settings, database: { port: databasePort } }));
  return file;
}

const filler = (): string => join(folder, 'filler');

/** Until nothing fits any more, while the database writes too. */
function fillDisk(): void {
  for (const bytes of [8 * 1_048_576, 65_536, 4_096]) {
    const chunk = Buffer.alloc(bytes, 1);
    while (hasTaken(chunk));
  }
}

function hasTaken(chunk: Buffer): boolean {
  try {
    appendFileSync(filler(), chunk);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOSPC') return false;
    throw error;
  }
}

const readyStatus = async (http: string): Promise<number> =>
  fetch(`${http}/readyz`).then(
    ({ status }) => status,
    () => 0,
  );

/** Position of the journal when it is beyond another; null: not yet, or nobody answers. */
async function posBeyond(http: string, pos: number): Promise<number | null> {
  const answer = await fetch(`${http}/api/v1/status`).catch(() => null);
  if (answer?.ok !== true) return null;
  const { shards } = (await answer.json()) as { shards: { pos: number }[] };
  const now = shards[0]?.pos ?? 0;
  return now > pos ? now : null;
}

describe('a hub whose disk fills up', () => {
  it('stops acknowledging, says so, and goes on by itself when there is room again', async () => {
    const [mqttPort, databasePort] = [await freePort(), await freePort()];
    hub = startWugan(['hub', '--json', '-c', hubFile(mqttPort, databasePort)]);
    const { http } = (await hub.event('ready', { withinMs: 60_000 })) as unknown as {
      http: string;
    };
    const over = new AbortController();
    const load = runFleet({
      ...{ mqttUrl: `mqtt://127.0.0.1:${mqttPort}`, region: REGION, gateways: GATEWAYS },
      ...{ load: 'B', startMs: Date.parse('2026-11-10T07:55:00+08:00'), durationMs: 300_000 },
      ...{ batchesPerS: 400, drainMs: 60_000, signal: over.signal },
    });
    await until('batches are stored', 20_000, () => posBeyond(http, 400));
    fillDisk();
    await until('it says that it can not store', 60_000, async () =>
      (await readyStatus(http)) === 503 ? true : null,
    );
    rmSync(filler());
    await until('it is ready again', 60_000, async () =>
      (await readyStatus(http)) === 200 ? true : null,
    );
    const atReady = await until('its status', 30_000, () => posBeyond(http, 0));
    await until('it stores again', 30_000, () => posBeyond(http, atReady + 200));
    over.abort();
    const report = await load;
    expect(report.unacknowledged).toBe(0);
    const password = readFileSync(join(folder, 'data', 'postgres-password'), 'utf8').trim();
    const database = connect(`postgres://wugan:${password}@127.0.0.1:${databasePort}/wugan`, {
      onError: () => undefined,
    });
    const stored = batchKeys(await readJournal(database.pool));
    await database.close();
    expect(stored).toHaveLength(report.batchesAcked);
  }, 240_000);
});
