import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fleetChain, runFleet } from '../../simulators/fleet.ts';
import { fleetMember } from '../../simulators/fleet-member.ts';
import { createTestDatabase, type TestDatabase } from '../database/test-database.ts';
import { freePort } from '../free-port.ts';
import { REGION, writeHubFile } from './hub-files.ts';
import { batchKeys, readJournal, until } from './hub-outcome.ts';
import { startWugan, type WuganProcess } from './wugan-process.ts';

const GATEWAYS = 8;
/** Until the end of the run the load never pauses: the writer is stopped in the middle of it. */
const BATCHES = 350;
const fleet = (mqttUrl: string) => ({
  mqttUrl,
  region: REGION,
  gateways: GATEWAYS,
  load: 'C' as const,
  startMs: Date.parse('2026-11-10T07:55:00+08:00'),
  batches: BATCHES,
  batchesPerS: 400,
  drainMs: 40_000,
});

let database: TestDatabase;
let folder: string;
const hubs: WuganProcess[] = [];

beforeEach(async () => {
  database = await createTestDatabase();
  folder = mkdtempSync(join(tmpdir(), 'wugan-two-hubs-'));
});

afterEach(async () => {
  for (const hub of hubs.splice(0)) {
    hub.child.kill('SIGCONT');
    await hub.end('SIGKILL');
  }
  await database.close();
  rmSync(folder, { recursive: true, force: true });
});

function hubOn(name: string, mqttPort: number): WuganProcess {
  const dataDir = mkdtempSync(join(folder, name));
  const config = writeHubFile({
    ...{ dataDir, databaseUrl: database.url, platformUrl: 'http://127.0.0.1:9' },
    ...{ mqttPort, gateways: GATEWAYS, load: 'C' },
  });
  const hub = startWugan(['hub', '--json', '-c', config]);
  hubs.push(hub);
  return hub;
}

const head = async (): Promise<{ pos: number; token: number }> => {
  const { rows } = await database.pool.query(`select pos, token from telemetry.shard`);
  return { pos: Number(rows[0]?.pos ?? 0), token: Number(rows[0]?.token ?? 0) };
};

describe('two hubs for one shard', () => {
  it('write one journal: a stopped holder that wakes up writes nothing more', async () => {
    const [port, otherPort] = [await freePort(), await freePort()];
    const holder = hubOn('holder', port);
    await holder.event('ready');
    const standby = hubOn('standby', otherPort);
    // A gateway turns to the other address; what it has no acknowledgement for it sends again.
    const over = new AbortController();
    const options = { ...fleet(`mqtt://127.0.0.1:${port}`), drainMs: 100, signal: over.signal };
    const first = runFleet(options);
    await until('the holder writes', 20_000, async () => ((await head()).pos > 300 ? true : null));
    const { token } = await head();
    holder.child.kill('SIGSTOP');
    await standby.event('ready', { withinMs: 40_000 });
    const taken = await head();
    expect(taken.token).toBe(token + 1);
    const second = runFleet(fleet(`mqtt://127.0.0.1:${otherPort}`));
    await until('the standby writes', 20_000, async () =>
      (await head()).pos > taken.pos + 300 ? true : null,
    );
    holder.child.kill('SIGCONT');
    expect(await holder.ended).toBe(1);
    over.abort();
    await first;
    expect((await second).unacknowledged).toBe(0);
    expect((await head()).token).toBe(token + 1);

    const entries = await readJournal(database.pool);
    expect(entries.map(({ pos }) => pos)).toEqual(entries.map((_, i) => i + 1));
    const sent = Array.from({ length: GATEWAYS }, (_, index) => {
      const chain = fleetChain(fleet('mqtt://127.0.0.1:1'), index);
      return Array.from({ length: BATCHES }, () => {
        const { seq, sha256 } = chain.nextBatch();
        return `${fleetMember(index).gateway} ${chain.head().epoch} ${seq} ${sha256}`;
      });
    });
    expect(batchKeys(entries)).toEqual(sent.flat().sort());
    const { rows } = await database.pool.query<{ hash: Buffer; prev_hash: Buffer }>(
      'select hash, prev_hash from telemetry.block order by pos_from',
    );
    const broken = rows.filter((row, i) => i > 0 && !row.prev_hash.equals(rows[i - 1]!.hash));
    expect(broken).toEqual([]);
  }, 120_000);
});
