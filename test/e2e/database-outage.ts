import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import mqtt, { type MqttClient } from 'mqtt';
import { expect } from 'vitest';
import { parse, stringify } from 'yaml';
import { type FleetOptions, fleetChain } from '../../simulators/fleet.ts';
import { fleetMember } from '../../simulators/fleet-member.ts';
import { fleetRegistryYaml } from '../../simulators/fleet-registry.ts';
import { createHj212Device, type Hj212Device } from '../../simulators/hj212-device.ts';
import { deviceFrame } from '../../simulators/hj212-frame.ts';
import { sha256Hex } from '../../src/model/digest.ts';
import { MINUTE_MS } from '../../src/model/time.ts';
import type { AckMessage } from '../../src/telemetry/messages.ts';
import { type CrashableServer, createCrashableServer } from '../database/test-database.ts';
import { freePort } from '../free-port.ts';
import { readRows } from '../ingest/journal-rows.ts';
import { hubSettings, REGION } from './hub-files.ts';
import { until } from './hub-outcome.ts';
import { startWugan, type WuganProcess } from './wugan-process.ts';

/** How the database is taken away. `hung`: its processes stand still, and its sockets say nothing. */
export type Outage = 'killed' | 'hung' | 'restarted';

export interface OutageReport {
  /** Messages acknowledged by PUBACK or 9014, in all. */
  readonly acknowledged: number;
  /** PUBACKs and 9014 between the hub's word that it can't store and the database's return. */
  readonly acknowledgedMeanwhile: number;
  /** Gateways whose ack then names more than their PUBACKs do. */
  readonly acksAhead: number;
  readonly inFlightBytesMax: number;
  /** RSS of the hub before the outage, and the most during it. */
  readonly rssBytes: { readonly before: number; readonly max: number };
}

const GATEWAYS = 4;
/** Without PUBACK at a time, of each gateway: far more than the hub may take into memory. */
const WINDOW = 1_500;
/** The least that it may be set to. */
export const IN_FLIGHT_BYTES_MAX = 1_048_576;
const DEVICES = [0, 1];
const START_MS = Date.parse('2026-11-10T07:55:00+08:00');
const mnOf = (device: number): string => `41010000000000000000000${device}`;

/** Takes the database of a hub away under load of MQTT and HJ 212, and gives it back after the time. */
export async function runDatabaseOutage(outage: Outage, awayMs: number): Promise<OutageReport> {
  const database = await createCrashableServer();
  const dataDir = mkdtempSync(join(tmpdir(), 'wugan-outage-'));
  const [mqttPort, hj212Port] = [await freePort(), await freePort()];
  const file = writeSettings({ dataDir, databaseUrl: database.url, mqttPort, hj212Port });
  const hub = startWugan(['hub', '--json', '-c', file]);
  try {
    const http = String((await hub.event('ready'))['http']);
    const load = await startLoad(mqttPort, hj212Port);
    try {
      return await disturb({ database, http, hub, load }, outage, awayMs);
    } finally {
      await load.close();
    }
  } finally {
    await hub.end('SIGKILL');
    await database.close();
    rmSync(dataDir, { recursive: true, force: true });
  }
}

interface Parts {
  readonly database: CrashableServer;
  readonly http: string;
  readonly hub: WuganProcess;
  readonly load: Load;
}

async function disturb(
  { database, http, hub, load }: Parts,
  outage: Outage,
  awayMs: number,
): Promise<OutageReport> {
  await until('both are acknowledged', 60_000, async () =>
    load.pubacks() > 500 && load.answers() > 5 && load.acks() > 0 ? true : null,
  );
  const before = await gauge(http, 'process_resident_memory_bytes');
  const giveBack = await takeAway(database, outage);
  const goneMs = performance.now();
  await until('it says that it can not store', 60_000, async () =>
    (await notReady(http))?.includes('cannot write the journal') ? true : null,
  );
  const atRest = load.pubacks() + load.answers();
  let [rssMax, inFlightBytesMax] = [before, 0];
  while (performance.now() - goneMs < awayMs) {
    rssMax = Math.max(rssMax, await gauge(http, 'process_resident_memory_bytes'));
    inFlightBytesMax = Math.max(inFlightBytesMax, await gauge(http, 'wugan_in_flight_bytes'));
    expect(await notReady(http)).not.toBeNull();
    await pause(200);
  }
  const acknowledgedMeanwhile = load.pubacks() + load.answers() - atRest;
  const acksAhead = load.acksAhead();
  await giveBack();
  const { pubacks, answers, acks } = load;
  const [pubacksThen, answersThen, acksThen] = [pubacks(), answers(), acks()];
  await until('it is ready again', 120_000, async () =>
    (await fetch(`${http}/readyz`)).status === 200 ? true : null,
  );
  await until('both are acknowledged again', 120_000, async () =>
    pubacks() > pubacksThen + 500 && answers() > answersThen + 5 && acks() > acksThen ? true : null,
  );
  expect(hub.child.exitCode).toBeNull();
  await load.stop();
  const stored = (await readRows(database.pool)).filter(({ kind }) => kind === 'live');
  expect(stored.map(({ sha256 }) => sha256).sort()).toEqual(load.sent().sort());
  return {
    ...{ acknowledged: load.pubacks() + load.answers(), acknowledgedMeanwhile },
    ...{ acksAhead, inFlightBytesMax, rssBytes: { before, max: rssMax } },
  };
}

/** Gives what brings the database back. */
async function takeAway(database: CrashableServer, outage: Outage): Promise<() => Promise<void>> {
  if (outage === 'hung') {
    database.pause();
    return async () => database.resume();
  }
  await database.crash(outage === 'killed' ? 'SIGKILL' : 'SIGINT');
  return database.start;
}

/** What `/readyz` says is wrong; null: nothing, or not yet. */
async function notReady(http: string): Promise<string | null> {
  const answer = await fetch(`${http}/readyz`);
  return answer.status === 503 ? answer.text() : null;
}

async function gauge(http: string, name: string): Promise<number> {
  const text = await fetch(`${http}/metrics`).then((answer) => answer.text());
  return Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1]);
}

interface Load {
  pubacks(): number;
  /** Acks of the application that arrived. */
  acks(): number;
  acksAhead(): number;
  /** 9014 that arrived. */
  answers(): number;
  /** SHA-256 of everything sent. */
  sent(): string[];
  /** Makes nothing more, and waits until all is acknowledged. */
  stop(): Promise<void>;
  close(): Promise<void>;
}

async function startLoad(mqttPort: number, hj212Port: number): Promise<Load> {
  const count = { pubacks: Array.from({ length: GATEWAYS }, () => 0), acks: 0 };
  const durable = count.pubacks.map(() => 0);
  const sent: string[] = [];
  let isStopped = false;
  let stop: () => void = () => undefined;
  const stopped = new Promise<void>((resolve) => {
    stop = () => {
      isStopped = true;
      resolve();
    };
  });
  const clients = await Promise.all(
    Array.from({ length: GATEWAYS }, (_, index) => connect(mqttPort, index)),
  );
  for (const [index, client] of clients.entries()) {
    client.on('message', (_topic, payload) => {
      count.acks += 1;
      const { epochs } = JSON.parse(payload.toString()) as AckMessage;
      durable[index] = epochs[0]?.durable ?? 0;
    });
  }
  const fleet: FleetOptions = {
    ...{ mqttUrl: '', region: REGION, gateways: GATEWAYS, load: 'C', startMs: START_MS },
  };
  const batches = clients.flatMap((client, index) => {
    const chain = fleetChain(fleet, index);
    const topic = `wugan/v1/${REGION}/${fleetMember(index).gateway}/live`;
    return Array.from({ length: WINDOW }, async () => {
      while (!isStopped) {
        const { payload, sha256 } = chain.nextBatch();
        sent.push(sha256);
        await client.publishAsync(topic, payload, { qos: 1 });
        count.pubacks[index] = (count.pubacks[index] ?? 0) + 1;
        // A thousand a second in all: the outage is tried, not the speed.
        await Promise.race([pause(WINDOW * GATEWAYS), stopped]);
      }
    });
  });
  const devices = DEVICES.map(() =>
    createHj212Device({ host: '127.0.0.1', port: hj212Port, answerTimeoutMs: 1_000, resends: 600 }),
  );
  const frames = devices.map(async (device, n) => {
    for (let minute = 0; !isStopped; minute += 1) {
      const frame = frameOf(n, minute);
      sent.push(sha256Hex(frame));
      expect(await device.deliver(frame)).toBe(true);
      await pause(20);
    }
  });
  return {
    pubacks: () => count.pubacks.reduce((sum, one) => sum + one, 0),
    acksAhead: () => durable.filter((seq, index) => seq > (count.pubacks[index] ?? 0)).length,
    acks: () => count.acks,
    answers: () => devices.reduce((sum, device: Hj212Device) => sum + device.answers.length, 0),
    sent: () => [...sent],
    async stop() {
      stop();
      await Promise.all([...batches, ...frames]);
    },
    async close() {
      stop();
      for (const device of devices) device.close();
      await Promise.all(clients.map((client) => client.endAsync(true)));
    },
  };
}

/** A gateway's connection, which hears its acks and sends everything again that has no PUBACK. */
async function connect(port: number, index: number): Promise<MqttClient> {
  const { gateway } = fleetMember(index);
  const client = await mqtt.connectAsync(`mqtt://127.0.0.1:${port}`, {
    ...{ clientId: gateway, reconnectPeriod: 200 },
  });
  client.on('error', () => undefined);
  await client.subscribeAsync(`wugan/v1/${REGION}/${gateway}/ack`, { qos: 1 });
  return client;
}

const frameOf = (device: number, minute: number): Buffer =>
  deviceFrame(
    {
      ...{ edition: 2017, mn: mnOf(device), st: '39', cn: '2051', wantsAnswer: true },
      madeMs: START_MS + (minute + 1) * MINUTE_MS + 1_000,
      dataTimeMs: START_MS + minute * MINUTE_MS,
      items: [{ code: 'a21005', value: 12, flag: 'N' }],
    },
    new Set(),
  );

/** The fleet's registry with data loggers beside it, and little memory. */
function writeSettings(options: {
  readonly dataDir: string;
  readonly databaseUrl: string;
  readonly mqttPort: number;
  readonly hj212Port: number;
}): string {
  const { dataDir, databaseUrl, mqttPort, hj212Port } = options;
  const settings = hubSettings({
    ...{ dataDir, databaseUrl, platformUrl: 'http://127.0.0.1:9' },
    ...{ mqttPort, gateways: GATEWAYS, load: 'C' },
  });
  const registry = parse(fleetRegistryYaml(GATEWAYS, { region: REGION, load: 'C' })) as {
    gateways: object[];
    devices: object[];
    points: { id: string }[];
  };
  for (const n of DEVICES) {
    registry.gateways.push({
      ...{ id: `logger-${n}`, operator: '运维', region: REGION, publicKey: null },
      hj212: { mn: mnOf(n), minuteIntervalMin: 1 },
    });
    registry.devices.push({
      ...{ id: `logged-${n}`, point: registry.points[0]?.id, gateway: `logger-${n}` },
      ...{ model: 'm', serial: `s${n}`, hj212: { codes: { a21005: 'co' } } },
      metrics: [
        {
          ...{ metric: 'co-minute', factor: 'carbon-monoxide', unit: 'mg/m3' },
          ...{ range: [0, 500], uncertainty: { abs: 1 } },
        },
      ],
    });
  }
  writeFileSync(join(dataDir, 'registry.yaml'), stringify(registry));
  const ingest = {
    ...(settings['ingest'] as object),
    ...{ hj212: { port: hj212Port }, inFlightBytesMax: IN_FLIGHT_BYTES_MAX },
  };
  const file = join(dataDir, 'hub.yaml');
  writeFileSync(file, stringify({ ...settings, ingest }));
  return file;
}
