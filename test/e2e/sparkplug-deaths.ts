import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import mqtt from 'mqtt';
import { expect, onTestFinished } from 'vitest';
import { stringify } from 'yaml';
import {
  connectSparkplugNode,
  type NodeReading,
  type SparkplugNode,
} from '../../simulators/sparkplug-node.ts';
import type { ShiftResult } from '../../src/model/exposure.ts';
import { HOUR_MS, MINUTE_MS } from '../../src/model/time.ts';
import { createTestDatabase, type TestDatabase } from '../database/test-database.ts';
import { type Mosquitto, startMosquitto } from '../ingest/external/mosquitto.ts';
import { readEntries } from '../ingest/journal-rows.ts';
import { hubSettings } from './hub-files.ts';
import { until } from './hub-outcome.ts';
import { startWugan, type WuganProcess } from './wugan-process.ts';

const HOST = 'wugan-e2e';
const SHIFT_MINUTES = 480;
/** Past the end and the grace of the shift. */
const MINUTES = SHIFT_MINUTES + 5;
/** The last eight whole hours: a death counts at hub time, so what is measured must lie close before it. */
const SHIFT_END_MS = Math.floor((Date.now() - 10 * MINUTE_MS) / HOUR_MS) * HOUR_MS;
const SHIFT_MS = SHIFT_END_MS - SHIFT_MINUTES * MINUTE_MS;
/** `HH:MM` in China. */
const clockOf = (atMs: number): string => new Date(atMs + 8 * HOUR_MS).toISOString().slice(11, 16);
const CO_MG_PER_M3 = 25;
const PACE_MS = 8;
/** Minutes that an edge node sends again when its host comes back: it can't know what was taken. */
const SENT_AGAIN = 60;
/** Minutes at the end of the day that are sent when no hub dies any more. */
const LAST = 100;

/** `careful` knows its primary host and stores; `careless` sends, whoever listens. */
const NODES = ['careful', 'careless'] as const;
type NodeName = (typeof NODES)[number];

const REGISTRY = {
  effectiveFrom: '2026-01-01T00:00:00+08:00',
  limits: 'gbz-2019',
  enterprises: [{ uscc: '91330106MA2CFLR43E', name: '模拟企业', region: '330106' }],
  posts: NODES.map((name) => ({
    ...{ id: `post-${name}`, enterprise: '91330106MA2CFLR43E', name, exposedWorkers: 3 },
    hazards: [{ factor: 'carbon-monoxide', primary: { device: `co-${name}`, metric: 'co' } }],
  })),
  crews: NODES.map((name) => ({
    ...{ id: `crew-${name}`, post: `post-${name}`, name, workers: 3, basis: 'SCHEDULE' },
    daysPerWeek: 7,
    shifts: [
      {
        ...{ name: 'day', days: [1, 2, 3, 4, 5, 6, 7] },
        ...{ start: clockOf(SHIFT_MS), end: clockOf(SHIFT_END_MS) },
      },
    ],
  })),
  points: NODES.map((name) => ({ id: `point-${name}`, post: `post-${name}`, location: '门口' })),
  gateways: NODES.map((name) => ({
    ...{ id: `gw-${name}`, operator: '运维', region: '330106', publicKey: null },
    sparkplug: { group: 'Plant', edgeNode: name, clock: { source: 'ntp', errMs: 20 } },
  })),
  devices: NODES.map((name) => ({
    ...{ id: `co-${name}`, point: `point-${name}`, gateway: `gw-${name}`, model: 'm' },
    ...{ serial: name, sparkplug: { device: 'meter', metrics: { CO: 'co' }, spanS: 60 } },
    metrics: [
      {
        ...{ metric: 'co', factor: 'carbon-monoxide', unit: 'mg/m3', range: [0, 500] },
        uncertainty: { abs: 1 },
      },
    ],
    certificate: {
      ...{ number: 'JL-1', issuer: '计量院', mode: 'VERIFIED' },
      ...{ from: '2026-01-01T00:00:00+08:00', until: '2030-01-01T00:00:00+08:00' },
    },
  })),
};

interface Side {
  readonly database: TestDatabase;
  readonly mosquitto: Mosquitto;
  start(faultPoint?: string): WuganProcess;
}

async function makeSide(): Promise<Side> {
  const database = await createTestDatabase();
  const mosquitto = await startMosquitto();
  const dataDir = mkdtempSync(join(tmpdir(), 'wugan-sparkplug-'));
  const settings = hubSettings({
    ...{ dataDir, databaseUrl: database.url, platformUrl: 'http://127.0.0.1:9' },
    ...{ mqttPort: 0, gateways: 1, load: 'C' },
  });
  writeFileSync(join(dataDir, 'registry.yaml'), stringify(REGISTRY));
  // Longer than a life: a second request in one life would be one too many.
  const sparkplug = { hostId: HOST, reorderTimeoutMs: 500, rebirthIntervalMs: 120_000 };
  const ingest = { ...(settings['ingest'] as object), sparkplug };
  // Whatever comes after a death is late data: judged again soon.
  const engine = { lateQuietMs: 1_000, revisionIntervalMs: 1_000 };
  const file = join(dataDir, 'hub.yaml');
  writeFileSync(file, stringify({ ...settings, ingest, engine }));
  onTestFinished(async () => {
    await database.close();
    rmSync(dataDir, { recursive: true, force: true });
  });
  return {
    ...{ database, mosquitto },
    start(faultPoint) {
      const life = startWugan(['hub', '--json', '-c', file], {
        MQTT_URL: mosquitto.url,
        ...(faultPoint === undefined ? {} : { WUGAN_FAULT_POINT: faultPoint }),
      });
      onTestFinished(async () => void (await life.end('SIGTERM')));
      return life;
    },
  };
}

/** Each minute has a value that its neighbours don't have: one stored for another would show. */
const levelOf = (minute: number): number => CO_MG_PER_M3 + (minute % 8) / 8;

const readingOf = (minute: number, isHistorical: boolean): NodeReading => ({
  ...{ name: 'CO', timestampMs: SHIFT_MS + (minute + 1) * MINUTE_MS, isHistorical },
  value: { kind: 'float', value: levelOf(minute) },
});

const connect = (side: Side, name: NodeName, bdSeq: number): Promise<SparkplugNode> =>
  connectSparkplugNode({
    ...{ mqttUrl: side.mosquitto.url, clientId: name, group: 'Plant', edgeNode: name },
    publishers: new Map([['meter', [{ name: 'CO', alias: 7, datatype: 'Float' as const }]]]),
    ...{ primaryHost: name === 'careful' ? HOST : null, bdSeq, now: Date.now },
  });

/** What an edge node's driver knows of the hub's process, as nobody on the line can. */
interface World {
  readonly side: Side;
  /** Sent to a dead hub, a message is lost until the broker has told of the death. */
  isAlive(): boolean;
  /** No hub dies any more: what comes late now would be judged minutes later. */
  isOver(): boolean;
}

/** Sends the day; what its host may have missed it sends again, marked historical. */
async function measureCarefully({ side, isAlive, isOver }: World): Promise<void> {
  let session = 0;
  const bornAgain = async (): Promise<SparkplugNode> => {
    const node = await connect(side, 'careful', session);
    await until('its host is online', 120_000, async () => (node.isBorn() ? true : null));
    session += 1;
    return node;
  };
  let node = await bornAgain();
  let next = 0;
  let firstLive = 0;
  while (next < MINUTES) {
    if (!node.isBorn()) {
      await node.ended;
      firstLive = Math.max(firstLive, next);
      next = Math.max(0, next - SENT_AGAIN);
      node = await bornAgain();
    }
    if (isAlive() && (next < MINUTES - LAST || isOver())) {
      node.publish('meter', [readingOf(next, next < firstLive)]);
      next += 1;
    }
    await pause(PACE_MS);
  }
  await node.end();
}

/** Sends its minutes round and round until it is stopped, whoever listens; gives its rebirths. */
async function measureCarelessly({ side }: World, stopped: AbortSignal): Promise<number> {
  const node = await connect(side, 'careless', 0);
  for (let n = 0; !stopped.aborted; n += 1) {
    node.publish('meter', [readingOf(n % MINUTES, false)]);
    await pause(PACE_MS);
  }
  await node.end();
  return node.rebirths();
}

/** `life edge node` of every request for a rebirth on the broker. */
async function tapRebirths(side: Side, life: () => number): Promise<string[]> {
  const requests: string[] = [];
  const client = await mqtt.connectAsync(side.mosquitto.url);
  onTestFinished(() => client.endAsync(true));
  client.on('message', (topic) => requests.push(`${life()} ${topic.split('/').at(-1)}`));
  await client.subscribeAsync('spBv1.0/Plant/NCMD/+');
  return requests;
}

/** The day's two results for the careful node's post, once all of it was seen. */
const judged = ({ database }: Side): Promise<string[]> =>
  until('the whole shift is judged', 120_000, async () => {
    const { rows } = await database.pool.query<{ result_hash: string; result: ShiftResult }>(
      `select distinct on (result_key) result_hash, result from exposure.window_result
       where shift_start_ms = $1 and result->'subject'->>'post' = 'post-careful'
       order by result_key, revision desc`,
      [SHIFT_MS],
    );
    const isWhole = rows.every(({ result }) => result.observedSeconds === SHIFT_MINUTES * 60);
    return rows.length === 2 && isWhole ? rows.map((row) => row.result_hash).sort() : null;
  });

/** Readings of the day in the journal that are not what was measured in their minute. */
async function falsified({ database }: Side): Promise<unknown[]> {
  const frames = (await readEntries(database.pool)).flatMap((entry) =>
    entry.kind === 'batch' ? entry.batch.frames : [],
  );
  return frames.filter(({ at, values }) => {
    const value = values['co' as never] as number | null | undefined;
    const minute = (at - SHIFT_MS) / MINUTE_MS - 1;
    return value !== null && value !== levelOf(minute);
  });
}

/**
 * A hub that dies at each of the points, in turn, while edge nodes send through a real broker, beside a
 * hub that does not. Expects one request for births of each edge node in each life at most, and what was
 * sent to be judged as beside it.
 */
export async function runSparkplugDeaths(points: readonly string[]): Promise<void> {
  const [calm, killed] = await Promise.all([makeSide(), makeSide()]);
  const undisturbed = (async () => {
    await calm.start().event('ready');
    await measureCarefully({ side: calm, isAlive: () => true, isOver: () => true });
  })();

  let deaths = 0;
  const requests = await tapRebirths(killed, () => deaths);
  let life = killed.start(points[0]);
  await life.event('ready');
  const world: World = {
    side: killed,
    isAlive: () => life.child.exitCode === null && life.child.signalCode === null,
    isOver: () => deaths === points.length,
  };
  const stop = new AbortController();
  const careless = measureCarelessly(world, stop.signal);
  const careful = measureCarefully(world);
  for (const n of points.keys()) {
    await life.ended;
    expect(life.child.signalCode).toBe('SIGKILL');
    deaths += 1;
    life = killed.start(points[n + 1]);
  }
  await life.event('ready');
  await Promise.all([careful, undisturbed]);
  await until('the last life asks too', 60_000, async () =>
    requests.includes(`${points.length} careless`) ? true : null,
  );
  stop.abort();
  expect(await careless).toBe(requests.filter((one) => one.endsWith(' careless')).length);
  // Once in a life at most, whatever came from it before its birth.
  expect(requests).toEqual([...new Set(requests)]);

  expect(await judged(killed)).toEqual(await judged(calm));
  for (const side of [calm, killed]) expect(await falsified(side)).toEqual([]);
}
