import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { type FleetOptions, fleetChain } from '../../simulators/fleet.ts';
import { fleetMember, type Load } from '../../simulators/fleet-member.ts';
import { type Platform, startPlatform } from '../../simulators/platform.ts';
import { createTestDatabase, silentLog, type TestDatabase } from '../database/test-database.ts';
import { freePort } from '../free-port.ts';
import { ACCESS_KEY, SECRET_KEY, writeHubFile } from './hub-files.ts';
import {
  clueRevisions,
  latestReleases,
  latestResultHashes,
  releases,
  resultRevisions,
} from './hub-outcome.ts';
import { startWugan, type WuganProcess } from './wugan-process.ts';

/** The points of the hot path at which a hub can be told to die. */
export const HUB_FAULT_POINTS = [
  'journal:before-commit',
  'journal:after-commit',
  'ack:before-publish',
  'evaluator:before-commit',
  'evaluator:after-commit',
  'checkpoint:half-written',
] as const;

/** One hub's surroundings, which outlive it: database, platform, settings and address. */
export interface Side {
  readonly database: TestDatabase;
  readonly platform: Platform;
  readonly mqttUrl: string;
  readonly configFile: string;
  close(): Promise<void>;
}

export async function makeSide(fleet: {
  readonly gateways: number;
  readonly load: Load;
  /** The platform's clock, UTC ms; absent: the machine's. */
  readonly platformNow?: () => number;
  /** Further sections of the hub's settings. */
  readonly sections?: Readonly<Record<string, unknown>>;
}): Promise<Side> {
  const { platformNow, sections, ...load } = fleet;
  const database = await createTestDatabase();
  const platform = await startPlatform({
    host: '127.0.0.1',
    port: 0,
    accessKey: ACCESS_KEY,
    secretKey: SECRET_KEY,
    log: silentLog,
    ...(platformNow === undefined ? {} : { now: platformNow }),
  });
  const dataDir = mkdtempSync(join(tmpdir(), 'wugan-killed-'));
  const mqttPort = await freePort();
  const addresses = { databaseUrl: database.url, platformUrl: platform.url, mqttPort };
  const configFile = writeHubFile({ dataDir, ...addresses, ...load }, sections);
  return {
    ...{ database, platform, configFile },
    mqttUrl: `mqtt://127.0.0.1:${mqttPort}`,
    async close() {
      await platform.close();
      await database.close();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

/** Starts a hub there, which kills itself at the named point when one is given. */
export const hubOf = (
  { configFile }: Side,
  faultPoint?: string,
  environment: Readonly<Record<string, string>> = {},
): WuganProcess =>
  startWugan(['hub', '--json', '-c', configFile], {
    ...environment,
    ...(faultPoint === undefined ? {} : { WUGAN_FAULT_POINT: faultPoint }),
  });

/** `gateway epoch seq sha256` of the first batches that the index-th gateway of a run sends. */
export function batchesSent(fleet: FleetOptions, index: number, batches: number): string[] {
  const chain = fleetChain(fleet, index);
  const { gateway } = fleetMember((fleet.firstIndex ?? 0) + index);
  return Array.from({ length: batches }, () => {
    const { seq, sha256 } = chain.nextBatch();
    return `${gateway} ${chain.head().epoch} ${seq} ${sha256}`;
  });
}

/** Expects the same results, revision by revision; gives how many there are. */
export async function expectSameResults(calm: Side, disturbed: Side): Promise<number> {
  const latest = await latestResultHashes(calm.database.pool);
  expect(await latestResultHashes(disturbed.database.pool)).toEqual(latest);
  expect(await resultRevisions(disturbed.database.pool)).toEqual(
    await resultRevisions(calm.database.pool),
  );
  return latest.length;
}

/** Expects the same clues, and the same bytes released for them; gives how many clues there are. */
export async function expectSameReleases(calm: Side, disturbed: Side): Promise<number> {
  const clues = await clueRevisions(calm.database.pool);
  expect(await clueRevisions(disturbed.database.pool)).toEqual(clues);
  expect(await releases(disturbed.database.pool)).toEqual(await releases(calm.database.pool));
  return clues.length;
}

/**
 * Expects that the platform holds the last revision of every clue and nothing that was not released. A
 * revision that a newer one overtook before it was sent is not sent: which ones, time decides.
 */
export async function expectPushed({ platform, database }: Side): Promise<void> {
  const held = platform
    .received()
    .map(({ idempotencyKey, bodySha256 }) => `${idempotencyKey} ${bodySha256}`);
  expect(held).toEqual(expect.arrayContaining(await latestReleases(database.pool)));
  expect(await releases(database.pool)).toEqual(expect.arrayContaining(held));
}
