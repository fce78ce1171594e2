import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type FleetOptions, type FleetReport, runFleet } from '../../simulators/fleet.ts';
import { createRandom } from '../../simulators/seeded-random.ts';
import { REGION } from '../e2e/hub-files.ts';
import { batchKeys, readJournal, settled } from '../e2e/hub-outcome.ts';
import {
  batchesSent,
  expectPushed,
  expectSameReleases,
  expectSameResults,
  HUB_FAULT_POINTS,
  hubOf,
  makeSide,
  type Side,
} from '../e2e/killed-hub.ts';
import type { WuganProcess } from '../e2e/wugan-process.ts';

const SEED = Number(process.env['KILLS_SEED'] ?? Date.now() % 1_000_000);
const KILLS = 100;
/** Every third death is at a named point, the others are at a moment of an own, starts included. */
const NAMED_EVERY = 3;
/** A random life: from the first line of the process to well into the load. */
const LIFE_MS_MAX = 4_000;
/** Times that a point is passed before it kills; checkpoints come seldom. */
const PASSES_MAX = { 'checkpoint:half-written': 3, 'ack:before-publish': 10 } as const;
const PASSES_MAX_ELSE = 20;

const LIVE = 24;
const BACKFILL = 16;
const GATEWAYS = LIVE + BACKFILL;
const SIDE = { gateways: GATEWAYS, load: 'C' } as const;

/** A batch covers ten minutes: a run covers shifts of several days. */
const common = (mqttUrl: string) => ({
  ...{ mqttUrl, region: REGION, load: SIDE.load, inFlight: 4, drainMs: 120_000 },
  ...{ startMs: Date.parse('2026-11-08T07:55:00+08:00'), frameSpanMs: 60_000 },
});
/** Two fleets at once: one live, one that catches up what it could not send. */
const fleets = (mqttUrl: string): FleetOptions[] => [
  { ...common(mqttUrl), gateways: LIVE, batchesPerS: 25, durationMs: 3_600_000 },
  {
    ...{ ...common(mqttUrl), gateways: BACKFILL, batchesPerS: 15, durationMs: 3_600_000 },
    ...{ firstIndex: LIVE, channel: 'backfill' },
  },
];

/** What one gateway of a run sent, once more and to its end. */
const fleetOfOne = (fleet: FleetOptions, index: number, batches: number): FleetOptions => {
  const { durationMs: _, batchesPerS: __, ...rest } = fleet;
  const firstIndex = (fleet.firstIndex ?? 0) + index;
  // Whether it lies over its limits follows from its place in the first run.
  return { ...rest, gateways: 1, firstIndex, batches, overEvery: index % 10 === 0 ? 1 : 0 };
};

interface Death {
  readonly faultPoint?: string;
  readonly afterMs?: number;
}

function planDeaths(): Death[] {
  const random = createRandom(SEED);
  const upTo = (max: number): number => 1 + Math.floor(random() * max);
  return Array.from({ length: KILLS }, (_, n) => {
    if (n % NAMED_EVERY !== 0) return { afterMs: Math.floor(random() * LIFE_MS_MAX) };
    const point = HUB_FAULT_POINTS[(n / NAMED_EVERY) % HUB_FAULT_POINTS.length] as string;
    const passes = upTo(PASSES_MAX[point as keyof typeof PASSES_MAX] ?? PASSES_MAX_ELSE);
    return { faultPoint: `${point}#${passes}` };
  });
}

/** Run by `npx vitest run --config vitest.soak.config.ts test/soak/kills.soak.ts`. */
describe(`the hub killed ${KILLS} times under load, seed ${SEED}`, () => {
  let calm: Side;
  let killed: Side;
  const processes: WuganProcess[] = [];
  let deaths = 0;
  let reports: FleetReport[] = [];
  let sent: { readonly fleet: FleetOptions; readonly index: number; readonly batches: number }[];

  const live = (side: Side, death: Death = {}): WuganProcess => {
    const life = hubOf(side, death.faultPoint);
    processes.push(life);
    return life;
  };

  /** One life after another, each ended as planned; the last goes on. */
  async function dieAndLive(): Promise<WuganProcess> {
    for (const death of planDeaths()) {
      const life = live(killed, death);
      if (death.afterMs !== undefined) {
        await Promise.race([pause(death.afterMs), life.ended]);
        life.child.kill('SIGKILL');
      }
      await life.ended;
      if (life.child.signalCode === 'SIGKILL') deaths += 1;
      else throw new Error(`it ended by itself\n${life.stderr()}`);
    }
    return live(killed);
  }

  beforeAll(async () => {
    [calm, killed] = await Promise.all([makeSide(SIDE), makeSide(SIDE)]);
    // Its first life is only there for the fleets to begin.
    const first = live(killed);
    await first.event('ready');
    const over = new AbortController();
    const running = fleets(killed.mqttUrl).map((fleet) =>
      runFleet({ ...fleet, signal: over.signal }),
    );
    await first.end('SIGKILL');
    const last = await dieAndLive();
    await last.event('ready');
    over.abort();
    reports = await Promise.all(running);

    sent = fleets(calm.mqttUrl).flatMap((fleet, n) =>
      (reports[n]?.heads ?? []).map(({ seq }, index) => ({ fleet, index, batches: seq })),
    );
    await live(calm).event('ready');
    const again = await Promise.all(
      sent.map(({ fleet, index, batches }) => runFleet(fleetOfOne(fleet, index, batches))),
    );
    expect(again.map(({ unacknowledged }) => unacknowledged)).toEqual(sent.map(() => 0));
    for (const side of [calm, killed]) await settled(side.database.pool, 120_000);
  }, 1_500_000);

  afterAll(async () => {
    await Promise.all(processes.map((process) => process.end('SIGTERM')));
    for (const side of [calm, killed]) await side?.close();
  }, 60_000);

  it('died as often as planned, and everything was acknowledged in the end', () => {
    const batches = sent.reduce((sum, one) => sum + one.batches, 0);
    const reconnects = reports.reduce((sum, report) => sum + report.reconnects, 0);
    console.info({ seed: SEED, deaths, batches, reconnects });
    expect(deaths).toBe(KILLS);
    expect(reports.map(({ unacknowledged }) => unacknowledged)).toEqual([0, 0]);
  });

  it('stored every batch that was sent, once, as it was', async () => {
    const expected = sent
      .flatMap(({ fleet, index, batches }) => batchesSent(fleet, index, batches))
      .sort();
    expect(batchKeys(await readJournal(calm.database.pool))).toEqual(expected);
    expect(batchKeys(await readJournal(killed.database.pool))).toEqual(expected);
  });

  it('has the same results, revision by revision', async () => {
    const results = await expectSameResults(calm, killed);
    console.info({ results });
    expect(results).toBeGreaterThanOrEqual(GATEWAYS);
  });

  it('has the same clues, released the same bytes, and pushed the last of each', async () => {
    const clues = await expectSameReleases(calm, killed);
    console.info({ clues });
    expect(clues).toBeGreaterThan(0);
    for (const side of [calm, killed]) await expectPushed(side);
  });
});
