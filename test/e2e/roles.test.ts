import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runFleet } from '../../simulators/fleet.ts';
import { type Platform, startPlatform } from '../../simulators/platform.ts';
import { createTestDatabase, silentLog, type TestDatabase } from '../database/test-database.ts';
import { freePort } from '../free-port.ts';
import { ACCESS_KEY, REGION, SECRET_KEY, writeHubFile } from './hub-files.ts';
import {
  batchKeys,
  clueRevisions,
  latestResultHashes,
  readJournal,
  releases,
  resultRevisions,
  settled,
  until,
} from './hub-outcome.ts';
import { startWugan, type WuganProcess } from './wugan-process.ts';

const GATEWAYS = 8;
/** 07:55 to 16:15 in Hangzhou: a whole day shift and what is needed to close it. */
const START_MS = Date.parse('2026-11-10T07:55:00+08:00');
const BATCHES = 100;

interface Side {
  readonly database: TestDatabase;
  readonly platform: Platform;
  readonly folder: string;
  readonly mqttPort: number;
}

async function makeSide(): Promise<Side> {
  const database = await createTestDatabase();
  const platform = await startPlatform({
    ...{ host: '127.0.0.1', port: 0, accessKey: ACCESS_KEY, secretKey: SECRET_KEY },
    log: silentLog,
  });
  const folder = mkdtempSync(join(tmpdir(), 'wugan-roles-'));
  return { database, platform, folder, mqttPort: await freePort() };
}

const processes: WuganProcess[] = [];

/** A hub process of a side, on the machine of this name: each machine has its own key. */
function start(side: Side, machine: string, roles?: string): WuganProcess {
  const dataDir = join(side.folder, machine);
  mkdirSync(dataDir, { recursive: true });
  const config = writeHubFile({
    ...{ dataDir, mqttPort: side.mqttPort, gateways: GATEWAYS, load: 'C' },
    ...{ databaseUrl: side.database.url, platformUrl: side.platform.url },
  });
  const only = roles === undefined ? [] : ['--roles', roles];
  const process = startWugan(['hub', '--json', '-c', config, ...only]);
  processes.push(process);
  return process;
}

const fleetOn = (side: Side) =>
  runFleet({
    ...{ mqttUrl: `mqtt://127.0.0.1:${side.mqttPort}`, region: REGION, load: 'C' },
    ...{ gateways: GATEWAYS, startMs: START_MS, frameSpanMs: 30_000, batches: BATCHES },
    ...{ batchesPerS: 80, inFlight: 4, drainMs: 120_000 },
  });

/** Somewhere in the next entries: each run kills elsewhere. */
async function aWhile(side: Side): Promise<void> {
  const head = async (): Promise<number> =>
    Number((await side.database.pool.query('select pos from telemetry.shard')).rows[0].pos);
  const toPos = (await head()) + 40 + Math.floor(Math.random() * 60);
  await until(`entry ${toPos}`, 60_000, async () => ((await head()) >= toPos ? true : null));
}

const evaluatorToken = async ({ database }: Side): Promise<number> =>
  Number((await database.pool.query('select token from telemetry.evaluator_lease')).rows[0].token);

interface StatusOfHub {
  readonly processes: { readonly roles: string[] }[];
  readonly hub: Record<string, number>;
}

describe('the roles of a hub in processes of their own', () => {
  let whole: Side;
  let split: Side;
  let api: string;

  beforeAll(async () => {
    [whole, split] = await Promise.all([makeSide(), makeSide()]);
    await start(whole, 'hub').event('ready');
    let ingest = start(split, 'one', 'ingest');
    await ingest.event('ready');
    let evaluator = start(split, 'two', 'evaluate');
    const others = [start(split, 'three', 'push'), start(split, 'four', 'api,influx')] as const;
    for (const other of [evaluator, ...others]) await other.event('ready');
    api = (await others[1].event('ready'))['http'] as string;

    const disturbed = (async () => {
      for (const victim of ['evaluator', 'ingest', 'evaluator']) {
        await aWhile(split);
        if (victim === 'ingest') {
          await ingest.end('SIGKILL');
          ingest = start(split, 'one', 'ingest');
          await ingest.event('ready');
        } else {
          await evaluator.end('SIGKILL');
          evaluator = start(split, 'two', 'evaluate');
          await evaluator.event('ready');
        }
      }
      // With the key of the first: it lives, so it is waited for like a stranger.
      const standby = start(split, 'two', 'evaluate');
      await standby.event('ready');
      const token = await evaluatorToken(split);
      evaluator.child.kill('SIGSTOP');
      await until('the standby evaluates', 60_000, async () =>
        (await evaluatorToken(split)) > token ? true : null,
      );
      evaluator.child.kill('SIGCONT');
      expect(await evaluator.ended).toBe(1);
    })();
    const [calm, killed] = await Promise.all([fleetOn(whole), fleetOn(split), disturbed]);
    expect([calm.unacknowledged, killed.unacknowledged]).toEqual([0, 0]);
    for (const side of [whole, split]) await settled(side.database.pool, 120_000);
  }, 300_000);

  afterAll(async () => {
    for (const { child } of processes) child.kill('SIGCONT');
    await Promise.all(processes.map((process) => process.end('SIGTERM')));
    for (const side of [whole, split]) {
      await side?.platform.close();
      await side?.database.close();
      if (side !== undefined) rmSync(side.folder, { recursive: true, force: true });
    }
  });

  it('journal what one process journals', async () => {
    const expected = batchKeys(await readJournal(whole.database.pool));
    expect(expected).toHaveLength(GATEWAYS * BATCHES);
    expect(batchKeys(await readJournal(split.database.pool))).toEqual(expected);
  });

  it('give the results of one process, revision by revision', async () => {
    const expected = await latestResultHashes(whole.database.pool);
    expect(expected.length).toBeGreaterThanOrEqual(GATEWAYS);
    expect(await latestResultHashes(split.database.pool)).toEqual(expected);
    expect(await resultRevisions(split.database.pool)).toEqual(
      await resultRevisions(whole.database.pool),
    );
  });

  it('give its clues, and push the same bytes', async () => {
    const expected = await clueRevisions(whole.database.pool);
    expect(expected.length).toBeGreaterThan(0);
    expect(await clueRevisions(split.database.pool)).toEqual(expected);
    const released = await releases(whole.database.pool);
    expect(await releases(split.database.pool)).toEqual(released);
    const pushed = split.platform.received().map((clue) => clue.idempotencyKey);
    expect(pushed.length).toBeGreaterThan(0);
    expect(new Set(pushed).size).toBe(pushed.length);
  });

  it('are seen by the process with the API, with their numbers', async () => {
    const status = await until('all are heard of', 30_000, async () => {
      const answer = await fetch(`${api}/api/v1/status`);
      const body = (await answer.json()) as StatusOfHub;
      return body.processes.length === 4 && body.hub['evaluatorPos'] !== undefined ? body : null;
    });
    const roles = status.processes.map((process) => process.roles.join());
    expect(roles.sort()).toEqual(['api,influx', 'evaluate', 'ingest', 'push']);
    expect(status.hub['journalPos']).toBeGreaterThan(GATEWAYS * BATCHES);
  });
});
