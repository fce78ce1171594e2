import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type FleetOptions, fleetChain, runFleet } from '../../simulators/fleet.ts';
import { fleetMember } from '../../simulators/fleet-member.ts';
import { type Platform, startPlatform } from '../../simulators/platform.ts';
import { createTestDatabase, silentLog, type TestDatabase } from '../database/test-database.ts';
import { freePort } from '../free-port.ts';
import { ACCESS_KEY, REGION, SECRET_KEY, writeHubFile } from './hub-files.ts';
import {
  batchKeys,
  clueRevisions,
  latestReleases,
  latestResultHashes,
  readJournal,
  releases,
  resultRevisions,
  settled,
} from './hub-outcome.ts';
import { startWugan, type WuganProcess } from './wugan-process.ts';

const GATEWAYS = 20;
const BATCHES = 100;
/** 2,000 batches over 40 seconds. */
const BATCHES_PER_S = 50;
/** While the hub is dead no more than 80 pile up: however long it takes to start, 10 deaths meet traffic. */
const IN_FLIGHT = 4;
/** 07:55 to 16:15 in Hangzhou: a whole day shift and what is needed to close it. */
const START_MS = Date.parse('2026-11-10T07:55:00+08:00');
const FRAME_SPAN_MS = 30_000;

/**
 * Where the hub dies: each time a batch is on its way that is not acknowledged; once inside a checkpoint,
 * once between the journal's commit and the outbox. The count says after how many.
 */
const DEATHS = [
  'journal:before-commit#20',
  'journal:after-commit#20',
  'checkpoint:half-written#3',
  'journal:after-commit#15',
  'evaluator:before-commit#15',
  'journal:before-commit#10',
  'ack:before-publish#10',
  'evaluator:after-commit#15',
  'journal:after-commit#5',
  'journal:after-commit#20',
] as const;

interface Side {
  readonly database: TestDatabase;
  readonly platform: Platform;
  readonly dataDir: string;
  readonly mqttUrl: string;
  readonly configFile: string;
}

async function makeSide(): Promise<Side> {
  const database = await createTestDatabase();
  const platform = await startPlatform({
    host: '127.0.0.1',
    port: 0,
    accessKey: ACCESS_KEY,
    secretKey: SECRET_KEY,
    log: silentLog,
  });
  const dataDir = mkdtempSync(join(tmpdir(), 'wugan-crash-'));
  const mqttPort = await freePort();
  const configFile = writeHubFile({
    dataDir,
    databaseUrl: database.url,
    platformUrl: platform.url,
    mqttPort,
    gateways: GATEWAYS,
    load: 'C',
  });
  return { database, platform, dataDir, mqttUrl: `mqtt://127.0.0.1:${mqttPort}`, configFile };
}

const fleetOptions = (mqttUrl: string): FleetOptions => ({
  mqttUrl,
  region: REGION,
  gateways: GATEWAYS,
  load: 'C',
  startMs: START_MS,
  frameSpanMs: FRAME_SPAN_MS,
  batches: BATCHES,
  batchesPerS: BATCHES_PER_S,
  inFlight: IN_FLIGHT,
  drainMs: 120_000,
});

const hubOf = (side: Side, faultPoint?: string): WuganProcess =>
  startWugan(
    ['hub', '--json', '-c', side.configFile],
    faultPoint === undefined ? {} : { WUGAN_FAULT_POINT: faultPoint },
  );

const pushes = (platform: Platform): string[] =>
  platform
    .received()
    .map((clue) => `${clue.idempotencyKey} ${clue.bodySha256}`)
    .sort();

describe('the hub killed ten times', () => {
  let undisturbed: Side;
  let killed: Side;
  const processes: WuganProcess[] = [];
  let deaths = 0;

  beforeAll(async () => {
    [undisturbed, killed] = await Promise.all([makeSide(), makeSide()]);
    const calm = hubOf(undisturbed);
    processes.push(calm);
    await calm.event('ready');

    const firstLife = hubOf(killed, DEATHS[0]);
    processes.push(firstLife);
    await firstLife.event('ready');
    const lives = (async () => {
      let life = firstLife;
      for (const [n] of DEATHS.entries()) {
        await life.ended;
        if (life.child.signalCode === 'SIGKILL') deaths += 1;
        life = hubOf(killed, DEATHS[n + 1]);
        processes.push(life);
      }
      await life.event('ready');
    })();
    const [calmReport, killedReport] = await Promise.all([
      runFleet(fleetOptions(undisturbed.mqttUrl)),
      runFleet(fleetOptions(killed.mqttUrl)),
    ]);
    expect([calmReport.unacknowledged, killedReport.unacknowledged]).toEqual([0, 0]);
    await lives;
    for (const side of [undisturbed, killed]) await settled(side.database.pool, 120_000);
  }, 480_000);

  afterAll(async () => {
    await Promise.all(processes.map((process) => process.end('SIGTERM')));
    for (const side of [undisturbed, killed]) {
      await side?.platform.close();
      await side?.database.close();
      if (side !== undefined) rmSync(side.dataDir, { recursive: true, force: true });
    }
  });

  it('died at each named point', () => {
    expect(deaths).toBe(DEATHS.length);
  });

  it('stored every batch that was sent, once, as it was', async () => {
    const sent = Array.from({ length: GATEWAYS }, (_, index) => {
      const chain = fleetChain(fleetOptions('mqtt://127.0.0.1:1'), index);
      const { gateway } = fleetMember(index);
      return Array.from({ length: BATCHES }, () => {
        const { seq, sha256 } = chain.nextBatch();
        return `${gateway} ${chain.head().epoch} ${seq} ${sha256}`;
      });
    });
    const expected = sent.flat().sort();
    expect(batchKeys(await readJournal(undisturbed.database.pool))).toEqual(expected);
    expect(batchKeys(await readJournal(killed.database.pool))).toEqual(expected);
  });

  it('has the same results, revision by revision', async () => {
    const calm = await latestResultHashes(undisturbed.database.pool);
    expect(calm.length).toBeGreaterThanOrEqual(GATEWAYS);
    expect(await latestResultHashes(killed.database.pool)).toEqual(calm);
    expect(await resultRevisions(killed.database.pool)).toEqual(
      await resultRevisions(undisturbed.database.pool),
    );
  });

  it('has the same clues and released the same bytes', async () => {
    const calm = await clueRevisions(undisturbed.database.pool);
    expect(calm.length).toBeGreaterThan(0);
    expect(await clueRevisions(killed.database.pool)).toEqual(calm);
    expect(await releases(killed.database.pool)).toEqual(await releases(undisturbed.database.pool));
  });

  // A revision that a newer one overtook before it was sent is not sent: which ones, time decides.
  it('pushed the last revision of every clue, and nothing that was not released', async () => {
    for (const { platform, database } of [undisturbed, killed]) {
      const held = pushes(platform);
      expect(held).toEqual(expect.arrayContaining(await latestReleases(database.pool)));
      expect(await releases(database.pool)).toEqual(expect.arrayContaining(held));
    }
  });
});
