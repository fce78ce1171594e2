import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type FleetOptions, runFleet } from '../../simulators/fleet.ts';
import { REGION } from './hub-files.ts';
import { batchKeys, readJournal, settled } from './hub-outcome.ts';
import {
  batchesSent,
  expectPushed,
  expectSameReleases,
  expectSameResults,
  HUB_FAULT_POINTS,
  hubOf,
  makeSide,
  type Side,
} from './killed-hub.ts';
import type { WuganProcess } from './wugan-process.ts';

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

const SIDE = { gateways: GATEWAYS, load: 'C' } as const;

const fleetOptions = (mqttUrl: string): FleetOptions => ({
  mqttUrl,
  region: REGION,
  gateways: GATEWAYS,
  load: SIDE.load,
  startMs: START_MS,
  frameSpanMs: FRAME_SPAN_MS,
  batches: BATCHES,
  batchesPerS: BATCHES_PER_S,
  inFlight: IN_FLIGHT,
  drainMs: 120_000,
});

/** Fault points that the sources of a folder name. */
const pointsOf = (folder: string): Set<string> =>
  new Set(
    readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts'))
      .flatMap((file) => [
        ...readFileSync(join(folder, file), 'utf8').matchAll(/faultPoint\('([^']+)'\)/g),
      ])
      .map(([, point = '']) => point),
  );

describe('the hub killed ten times', () => {
  let undisturbed: Side;
  let killed: Side;
  const processes: WuganProcess[] = [];
  let deaths = 0;

  beforeAll(async () => {
    [undisturbed, killed] = await Promise.all([makeSide(SIDE), makeSide(SIDE)]);
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
    for (const side of [undisturbed, killed]) await side?.close();
  });

  it('died at each named point that there is', () => {
    expect(deaths).toBe(DEATHS.length);
    const tried = new Set(DEATHS.map((death) => death.split('#')[0]));
    expect([...tried].sort()).toEqual([...HUB_FAULT_POINTS].sort());
    expect([...pointsOf('src/ingest')].sort()).toEqual([...tried].sort());
  });

  it('stored every batch that was sent, once, as it was', async () => {
    const expected = Array.from({ length: GATEWAYS }, (_, index) =>
      batchesSent(fleetOptions('mqtt://127.0.0.1:1'), index, BATCHES),
    )
      .flat()
      .sort();
    expect(batchKeys(await readJournal(undisturbed.database.pool))).toEqual(expected);
    expect(batchKeys(await readJournal(killed.database.pool))).toEqual(expected);
  });

  it('has the same results, revision by revision', async () => {
    expect(await expectSameResults(undisturbed, killed)).toBeGreaterThanOrEqual(GATEWAYS);
  });

  it('has the same clues and released the same bytes', async () => {
    expect(await expectSameReleases(undisturbed, killed)).toBeGreaterThan(0);
  });

  it('pushed the last revision of every clue, and nothing that was not released', async () => {
    for (const side of [undisturbed, killed]) await expectPushed(side);
  });
});
