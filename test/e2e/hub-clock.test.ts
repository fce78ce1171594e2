import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type FleetOptions, runFleet } from '../../simulators/fleet.ts';
import type { ChainHead } from '../../simulators/fleet-chain.ts';
import { HOUR_MS, MINUTE_MS } from '../../src/model/time.ts';
import { createFakedClock, type FakedClock } from '../faked-clock.ts';
import { readRows } from '../ingest/journal-rows.ts';
import { REGION } from './hub-files.ts';
import { settled, until } from './hub-outcome.ts';
import {
  expectPushed,
  expectSameReleases,
  expectSameResults,
  hubOf,
  makeSide,
  type Side,
} from './killed-hub.ts';
import type { WuganProcess } from './wugan-process.ts';

/** Gateways that send all the time, and loud ones that send everything while the clock is wrong. */
const STEADY = 6;
const LATE = 2;
/** 07:55 in Hangzhou; a batch covers ten minutes. */
const START_MS = Date.parse('2026-11-10T07:55:00+08:00');
const FRAME_SPAN_MS = MINUTE_MS;
/** To 15:45: hub time is a little later, and the shift ends at 16:00. */
const BATCHES = 47;
const HUB_TIME_MS = Date.parse('2026-11-10T15:57:00+08:00');
/** To 16:05, when the shift closes. */
const BATCHES_AFTER = 2;
const LATER_MS = 8 * MINUTE_MS;

const fleet = (mqttUrl: string, over: Partial<FleetOptions>): FleetOptions => ({
  ...{ mqttUrl, region: REGION, gateways: STEADY, load: 'C', startMs: START_MS },
  ...{ frameSpanMs: FRAME_SPAN_MS, drainMs: 60_000, ...over },
});

interface Machine extends Side {
  readonly clock: FakedClock;
  /** How far the time that it is there is ahead of this machine's. */
  trueAheadMs: number;
  hub: WuganProcess;
  http: string;
}

const AHEAD_MS = HUB_TIME_MS - Date.now();

async function startMachine(): Promise<Machine> {
  const clock = await createFakedClock(AHEAD_MS);
  const side = await makeSide({
    ...{ gateways: STEADY + LATE, load: 'C' },
    // A step of an hour is more than that; a machine that stalls before the end of the shift is not.
    sections: { engine: { incompleteAfterMs: 40 * MINUTE_MS } },
    platformNow: () => Date.now() + machine.trueAheadMs,
  });
  const machine: Machine = {
    ...{ ...side, clock, http: '', trueAheadMs: AHEAD_MS },
    hub: hubOf(side, undefined, clock.environment),
  };
  machine.http = String((await machine.hub.event('ready'))['http']);
  return machine;
}

/** The hub is stopped and, so much later, started again. */
async function restart(machine: Machine, afterMs: number): Promise<void> {
  expect(await machine.hub.end('SIGTERM')).toBe(0);
  machine.trueAheadMs += afterMs;
  machine.clock.set(machine.trueAheadMs);
  machine.hub = hubOf(machine, undefined, machine.clock.environment);
  machine.http = String((await machine.hub.event('ready'))['http']);
}

async function stepSeen(machine: Machine): Promise<number> {
  const text = await fetch(`${machine.http}/metrics`).then((answer) => answer.text());
  return Math.round(Number(/^wugan_hub_clock_step_seconds (\S+)$/m.exec(text)?.[1]));
}

const tickCount = async ({ database }: Machine): Promise<number> =>
  (await readRows(database.pool)).filter(({ kind }) => kind === 'tick').length;

/** Waits until hub time has gone on. */
async function ticksPass(machine: Machine): Promise<void> {
  const ticks = await tickCount(machine);
  await until('hub time goes on', 60_000, async () =>
    (await tickCount(machine)) > ticks + 2 ? true : null,
  );
}

/** What the steps must not change: what was judged, told and released by now. */
async function told({ database }: Machine): Promise<unknown> {
  const { rows: signals } = await database.pool.query(
    `select kind, content->>'post' as post, at_ms from exposure.signal order by 1, 2, 3`,
  );
  const { rows: results } = await database.pool.query(
    `select result_key, revision, result_hash from exposure.window_result order by 1, 2`,
  );
  return { signals, results };
}

describe('the clock of a running hub, an hour ahead and an hour behind', () => {
  let calm: Machine;
  let stepped: Machine;
  const steps: number[] = [];
  let unacknowledged = 0;
  const inTheShift = new Map<Machine, unknown>();

  beforeAll(async () => {
    [calm, stepped] = await Promise.all([startMachine(), startMachine()]);
    const run = async (machine: Machine, over: Partial<FleetOptions>) => {
      const report = await runFleet(fleet(machine.mqttUrl, over));
      unacknowledged += report.unacknowledged;
      return report.heads;
    };
    const step = async (byMs: number): Promise<void> => {
      stepped.clock.set(AHEAD_MS + byMs);
      steps.push(
        await until('the step is seen', 60_000, async () => {
          const seen = await stepSeen(stepped);
          return seen === byMs / 1_000 ? seen : null;
        }),
      );
    };
    const day = async (machine: Machine, isStepped: boolean): Promise<void> => {
      let heads: readonly ChainHead[] = await run(machine, { batches: BATCHES });
      if (isStepped) await step(HOUR_MS);
      const late = { gateways: LATE, firstIndex: STEADY, overEvery: 1 };
      const lateHeads = await run(machine, { ...late, batches: BATCHES, channel: 'backfill' });
      await ticksPass(machine);
      await settled(machine.database.pool, 60_000);
      if (isStepped) await step(-HOUR_MS);
      heads = await run(machine, { batches: 1, heads });
      if (isStepped) await step(0);
      await settled(machine.database.pool, 60_000);
      inTheShift.set(machine, await told(machine));
      await restart(machine, LATER_MS);
      // What waited for the shift's end leaves before what the last batches bring, on both sides.
      await ticksPass(machine);
      await run(machine, { batches: BATCHES_AFTER - 1, heads });
      await run(machine, { ...late, batches: BATCHES_AFTER, heads: lateHeads });
      // Clues are released by the tick after their results.
      await ticksPass(machine);
      await settled(machine.database.pool, 60_000);
    };
    await Promise.all([day(calm, false), day(stepped, true)]);
  }, 300_000);

  afterAll(async () => {
    for (const machine of [calm, stepped]) {
      await machine?.hub.end('SIGTERM');
      await machine?.close();
      machine?.clock.close();
    }
  });

  it('sees each step, and goes on', () => {
    expect(steps).toEqual([3_600, -3_600, 0]);
    expect(unacknowledged).toBe(0);
  });

  it('journals receive times and ticks that never go back and take no part in a step', async () => {
    const rows = await readRows(stepped.database.pool);
    const received = rows.map(({ receivedAtMs }) => receivedAtMs);
    expect(received).toEqual(received.toSorted((a, b) => a - b));
    expect(Math.min(...received)).toBeGreaterThanOrEqual(HUB_TIME_MS);
    expect(Math.max(...received)).toBeLessThan(HUB_TIME_MS + LATER_MS + 10 * MINUTE_MS);
  });

  it('closes no shift early, tells of no silence, and judges as the hub beside it', async () => {
    expect(inTheShift.get(stepped)).toEqual(inTheShift.get(calm));
    expect(await expectSameResults(calm, stepped)).toBeGreaterThanOrEqual(STEADY + LATE);
  });

  it('pushes what its neighbour pushes, while the clock is wrong too', async () => {
    expect(await expectSameReleases(calm, stepped)).toBeGreaterThan(LATE);
    for (const machine of [calm, stepped]) await expectPushed(machine);
    const { rows } = await stepped.database.pool.query(
      `select idempotency_key, last_error from enforcement.outbox where state = 'dead'`,
    );
    expect(rows).toEqual([]);
  });

  it('keeps its lease', async () => {
    const { rows } = await stepped.database.pool.query('select token from telemetry.shard');
    // One start before the steps, one after.
    expect(Number(rows[0].token)).toBe(2);
  });
});
