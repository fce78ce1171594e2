import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { type FleetOptions, fleetChain, runFleet } from '../../simulators/fleet.ts';
import { fleetMember } from '../../simulators/fleet-member.ts';
import { createTestDatabase } from '../database/test-database.ts';
import { startMosquitto } from '../ingest/external/mosquitto.ts';
import { REGION, writeHubFile } from './hub-files.ts';
import { batchKeys, readJournal, until } from './hub-outcome.ts';
import { startWugan } from './wugan-process.ts';

const GATEWAYS = 10;
const BATCHES = 40;
/** Where the hub dies: before and after commits that the broker was told nothing of. */
const DEATHS = [
  'journal:before-commit#20',
  'journal:after-commit#20',
  'journal:before-commit#10',
  'ack:before-publish#10',
];

/** `gateway epoch seq sha256` of every batch of the run, sorted. */
function sentBy(fleet: FleetOptions): string[] {
  const keys: string[] = [];
  for (let index = 0; index < GATEWAYS; index += 1) {
    const chain = fleetChain(fleet, index);
    const { epoch } = chain.head();
    for (let n = 0; n < BATCHES; n += 1) {
      const { seq, sha256 } = chain.nextBatch();
      keys.push(`${fleetMember(index).gateway} ${epoch} ${seq} ${sha256}`);
    }
  }
  return keys.sort();
}

it('a hub killed at an external broker loses nothing and counts nothing twice', async () => {
  const database = await createTestDatabase();
  const dataDir = mkdtempSync(join(tmpdir(), 'wugan-external-'));
  onTestFinished(async () => {
    await database.close();
    rmSync(dataDir, { recursive: true, force: true });
  });
  const mosquitto = await startMosquitto();
  const configFile = writeHubFile({
    ...{ dataDir, databaseUrl: database.url, platformUrl: 'http://127.0.0.1:9' },
    ...{ mqttPort: 0, gateways: GATEWAYS, load: 'C' },
  });
  const hub = (faultPoint?: string) => {
    const started = startWugan(['hub', '--json', '-c', configFile], {
      MQTT_URL: mosquitto.url,
      ...(faultPoint === undefined ? {} : { WUGAN_FAULT_POINT: faultPoint }),
    });
    onTestFinished(async () => void (await started.end('SIGTERM')));
    return started;
  };
  let life = hub(DEATHS[0]);
  expect((await life.event('ready'))['mqtt']).toBe(mosquitto.url);
  const fleet: FleetOptions = {
    ...{ mqttUrl: mosquitto.url, region: REGION, gateways: GATEWAYS, load: 'C' },
    ...{ startMs: Date.parse('2026-11-10T07:55:00+08:00'), frameSpanMs: 30_000 },
    ...{ batches: BATCHES, batchesPerS: 40, drainMs: 30_000 },
  };
  const running = runFleet(fleet);
  let deaths = 0;
  for (const n of DEATHS.keys()) {
    await life.ended;
    if (life.child.signalCode === 'SIGKILL') deaths += 1;
    life = hub(DEATHS[n + 1]);
  }
  await life.event('ready');
  expect((await running).unacknowledged).toBe(0);
  const keys = await until('all batches are in the journal', 60_000, async () => {
    const found = batchKeys(await readJournal(database.pool));
    return found.length >= GATEWAYS * BATCHES ? found : null;
  });
  expect(deaths).toBe(DEATHS.length);
  expect(keys).toEqual(sentBy(fleet));
}, 180_000);
