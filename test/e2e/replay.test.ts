import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type FleetOptions, fleetChain } from '../../simulators/fleet.ts';
import { fleetMember } from '../../simulators/fleet-member.ts';
import { makePartitions } from '../../src/ingest/journal/partitions.ts';
import { RegionCode } from '../../src/model/ids.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from '../../src/model/time.ts';
import { topicOf } from '../../src/telemetry/topics.ts';
import { createTestDatabase, type TestDatabase } from '../database/test-database.ts';
import { REGION } from './hub-files.ts';
import {
  batchKeys,
  clueRevisions,
  latestResultHashes,
  readJournal,
  resultRevisions,
  until,
} from './hub-outcome.ts';
import { type RunningHub, startRunningHub } from './running-hub.ts';

const GATEWAYS = 3;
const LOAD = 'A';
/** 07:55 to 16:15 in Hangzhou: one whole day shift. */
const START_MS = Date.parse('2026-11-10T07:55:00+08:00');
const BATCHES = 250;
const FRAME_SPAN_MS = MINUTE_MS;
const END_MS = START_MS + BATCHES * 2 * FRAME_SPAN_MS;

interface Message {
  readonly gateway: string;
  readonly endMs: number;
  readonly payload: string;
}

/** The day of three gateways, in the order in which it was made. */
function dayOf(): Message[] {
  const options: FleetOptions = {
    mqttUrl: 'mqtt://127.0.0.1:1',
    region: REGION,
    gateways: GATEWAYS,
    load: LOAD,
    startMs: START_MS,
    frameSpanMs: FRAME_SPAN_MS,
    batches: BATCHES,
    overEvery: 2,
  };
  const chains = Array.from({ length: GATEWAYS }, (_, index) => fleetChain(options, index));
  return Array.from({ length: BATCHES }).flatMap(() =>
    chains.map((chain, index) => {
      const { payload } = chain.nextBatch();
      return { gateway: fleetMember(index).gateway, endMs: chain.head().atMs, payload };
    }),
  );
}

/** A seeded shuffle: the same order in every run. */
function shuffled<T>(items: readonly T[]): T[] {
  const mixed = [...items];
  let state = 20_261_124;
  for (let n = mixed.length - 1; n > 0; n -= 1) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
    const other = state % (n + 1);
    [mixed[n], mixed[other]] = [mixed[other]!, mixed[n]!];
  }
  return mixed;
}

const topic = (gateway: string, channel: 'live' | 'backfill'): string =>
  topicOf({
    region: RegionCode.parse(REGION),
    gateway: gateway as Parameters<typeof topicOf>[0]['gateway'],
    channel,
  });

/** The quiet time of late data passes, and then the rest of the time up to `untilMs`. */
async function settle(running: RunningHub, untilMs: number): Promise<void> {
  await running.hub.caughtUp();
  for (const nowMs of [running.nowMs + 15 * MINUTE_MS, untilMs]) {
    running.nowMs = nowMs;
    const { journalPos } = running.hub.stats();
    await until('a tick is evaluated', 5_000, async () =>
      running.hub.stats().evaluatorPos > journalPos ? true : null,
    );
  }
}

/** Delivers the day to a new hub. `hubTime` gives the receive time of each message. */
async function deliver(
  messages: readonly Message[],
  channel: 'live' | 'backfill',
  hubTime: (message: Message) => number,
): Promise<RunningHub> {
  const running = await startRunningHub({
    nowMs: hubTime(messages[0]!),
    gateways: GATEWAYS,
    load: LOAD,
  });
  for (const message of messages) {
    running.nowMs = Math.max(running.nowMs, hubTime(message));
    await running.publish(message.gateway, topic(message.gateway, channel), message.payload);
  }
  await settle(running, END_MS + 2 * DAY_MS);
  return running;
}

describe('one day, however it arrives', () => {
  const hubs: RunningHub[] = [];
  const databases: TestDatabase[] = [];
  let live: RunningHub;
  let mixed: RunningHub;
  let backfilled: RunningHub;

  beforeAll(async () => {
    const day = dayOf();
    [live, mixed, backfilled] = await Promise.all([
      deliver(day, 'live', ({ endMs }) => endMs + SECOND_MS),
      deliver(shuffled(day), 'live', () => END_MS + HOUR_MS),
      deliver(day, 'backfill', () => END_MS + DAY_MS),
    ]);
    hubs.push(live, mixed, backfilled);
  }, 120_000);

  afterAll(async () => {
    for (const running of hubs) {
      await running.close();
      await running.database.close();
    }
    for (const database of databases) await database.close();
  });

  it('gives the same result hashes live, shuffled, and as backfill the day after', async () => {
    const expected = await latestResultHashes(live.database.pool);
    expect(expected.length).toBeGreaterThan(GATEWAYS * 4);
    expect(await latestResultHashes(mixed.database.pool)).toEqual(expected);
    expect(await latestResultHashes(backfilled.database.pool)).toEqual(expected);
  });

  it('accuses the posts that are over, and no other', async () => {
    const { rows } = await live.database.pool.query(
      `select distinct post from exposure.window_result where verdict = 'exceeded' order by post`,
    );
    expect(rows.map((row) => row.post)).toEqual(['fleet-00000-post', 'fleet-00002-post']);
    const clues = await live.database.pool.query('select distinct post from enforcement.clue');
    expect(clues.rows.map((row) => row.post).sort()).toEqual(rows.map((row) => row.post));
  });

  it('gives the same clue numbers a day late', async () => {
    const numbers = async (running: RunningHub): Promise<string[]> =>
      (await clueRevisions(running.database.pool)).map((line) => line.split(' ')[0] as string);
    expect(await numbers(backfilled)).toEqual(await numbers(live));
  });

  it('replayed into an empty database gives the same clue numbers and revisions', async () => {
    const database = await createTestDatabase();
    databases.push(database);
    await makePartitions(database.pool, END_MS + HOUR_MS);
    await copyJournal(mixed.database, database);
    const replayed = await startRunningHub({
      nowMs: mixed.nowMs,
      gateways: GATEWAYS,
      load: LOAD,
      database,
    });
    await replayed.hub.caughtUp();
    await replayed.close();
    expect(await resultRevisions(database.pool)).toEqual(
      await resultRevisions(mixed.database.pool),
    );
    expect(await clueRevisions(database.pool)).toEqual(await clueRevisions(mixed.database.pool));
    expect(await clueEvents(database)).toEqual(await clueEvents(mixed.database));
  });
});

/** What the engine and the alerts made of a clue; what a push did to it is not in the journal. */
async function clueEvents({ pool }: TestDatabase): Promise<string[]> {
  const { rows } = await pool.query('select clue_no, type, pos, at_ms from enforcement.clue_event');
  return rows
    .filter((row) => !/PUSH|ACK|REJECT/.test(row.type))
    .map((row) => `${row.clue_no} ${row.type} ${row.pos} ${row.at_ms}`)
    .sort();
}

async function copyJournal(from: TestDatabase, to: TestDatabase): Promise<void> {
  for (const table of ['telemetry.block', 'telemetry.shard', 'telemetry.gateway_progress']) {
    const { rows, fields } = await from.pool.query(`select * from ${table}`);
    for (const row of rows) {
      const names = fields.map((field) => field.name);
      const values = names.map((name) =>
        name === 'stored' ? JSON.stringify(row[name]) : row[name],
      );
      await to.pool.query(
        `insert into ${table} (${names.join(', ')})
         values (${names.map((_, n) => `$${n + 1}`).join(', ')})`,
        values,
      );
    }
  }
}

describe('the same batch twice', () => {
  let running: RunningHub;
  const midnightMs = Date.parse('2026-11-11T00:00:00Z');

  beforeAll(async () => {
    running = await startRunningHub({ nowMs: midnightMs - SECOND_MS, gateways: 1, load: LOAD });
  });

  afterAll(async () => {
    await running.close();
    await running.database.close();
  });

  it('is stored once when it comes before and after midnight', async () => {
    const { gateway, payload } = dayOf()[0]!;
    await running.publish(gateway, topic(gateway, 'live'), payload);
    running.nowMs = midnightMs + 10 * SECOND_MS;
    await running.publish(gateway, topic(gateway, 'backfill'), payload);
    await running.hub.caughtUp();
    expect(batchKeys(await readJournal(running.database.pool))).toHaveLength(1);
  });

  it('of a simple producer that restarts its counter counts each second once', async () => {
    const { gateway, device } = fleetMember(0);
    const firstAtMs = midnightMs + MINUTE_MS;
    running.nowMs = firstAtMs + 3 * MINUTE_MS;
    const send = (seq: number, atMs: number, note: string): Promise<void> =>
      running.publish(
        gateway,
        topic(gateway, 'live'),
        JSON.stringify({
          v: 1,
          gateway,
          seq,
          createdAt: atMs,
          note,
          frames: [{ device, at: atMs, spanMs: 1_000, values: { co: 5 } }],
        }),
      );
    for (let n = 1; n <= 30; n += 1) await send(n, firstAtMs + n * SECOND_MS, 'first life');
    // The same seconds again, in other bytes, under a counter that began anew.
    for (let n = 1; n <= 30; n += 1) await send(n, firstAtMs + n * SECOND_MS, 'second life');
    for (let n = 31; n <= 60; n += 1) await send(n - 30, firstAtMs + n * SECOND_MS, 'second life');
    await send(99, firstAtMs + 2 * MINUTE_MS, 'closes the minute');
    await settle(running, running.nowMs + HOUR_MS);
    const { rows } = await running.database.pool.query(
      `select covered_seconds, excluded_seconds, mean from telemetry.minute_cell
       where device = $1 and metric = 'co' and minute_ms = $2`,
      [device, firstAtMs],
    );
    expect(rows).toEqual([{ covered_seconds: 60, excluded_seconds: 0, mean: 5 }]);
  });
});
