import { cpus } from 'node:os';
import { type FleetOptions, type FleetReport, runFleet } from '../simulators/fleet.ts';
import type { Load } from '../simulators/fleet-member.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from '../src/model/time.ts';
import { startChild } from './child.ts';
import { FLEET_REGION } from './fleet-region.ts';
import { type HubUnderTest, startHubUnderTest } from './hub-under-test.ts';
import { startMosquitto } from './mosquitto.ts';
import { pushLatenciesMs, startBenchPlatform } from './push-latency.ts';

// Ratios of one run on one machine that the load generator shares. Parts:
//   npm run bench                                loads A, B and C against the bare broker
//   npm run bench -- A                           one load
//   npm run bench -- mosquitto backfill restart memory push
// Sizes: GATEWAYS=2000 SECONDS=20 HOURS=8 MINUTES=5 CHANNELS=100000 npm run bench -- …
const size = (name: string, byDefault: number): number => Number(process.env[name] ?? byDefault);
const gateways = size('GATEWAYS', 2_000);
const seconds = size('SECONDS', 20);
const DATABASE_PORT = 54_329;
/** The fleet's time runs faster than the clock; a day back leaves room. */
const startMs = Math.floor((Date.now() - DAY_MS) / SECOND_MS) * SECOND_MS;
/** Gateways of one connection where there are too many for one each. */
const GATEWAYS_PER_BRIDGE = 200;

const drive = (mqttUrl: string, load: Load, over: Partial<FleetOptions> = {}) =>
  runFleet({
    ...{ mqttUrl, region: FLEET_REGION, gateways, load, startMs },
    durationMs: seconds * SECOND_MS,
    ...over,
  });

const ms = (value: number | null): string => `${value?.toFixed(1) ?? '–'} ms`;
const count = (value: number): string => Math.round(value).toLocaleString('en');
const say = (name: string, text: string): void => console.log(`${name.padEnd(26)} ${text}`);
const figures = ({ batchesAckedPerS, ackMsP50, ackMsP99 }: FleetReport): string =>
  `${count(batchesAckedPerS)} batches/s  ack p50 ${ms(ackMsP50)}  p99 ${ms(ackMsP99)}`;

interface Work {
  readonly report: FleetReport;
  /** Counted until the last batch was evaluated and its outputs stored. */
  readonly evaluatedPerS: number;
  readonly hubUsPerBatch: number;
  readonly databaseUsPerBatch: number;
}

/** Drives a hub and waits until it has evaluated everything. */
async function work(hub: HubUnderTest, load: Load, over: Partial<FleetOptions>): Promise<Work> {
  const before = await hub.cpu();
  const startedMs = performance.now();
  const report = await drive(hub.mqtt, load, over);
  await hub.evaluated();
  const tookS = (performance.now() - startedMs) / SECOND_MS;
  const after = await hub.cpu();
  const perBatch = (usedS: number): number => (usedS * 1e6) / report.batchesAcked;
  return {
    report,
    evaluatedPerS: report.batchesAcked / tookS,
    hubUsPerBatch: perBatch(after.hubS - before.hubS),
    databaseUsPerBatch: perBatch(after.databaseS - before.databaseS),
  };
}

async function benchLoad(load: Load): Promise<void> {
  const broker = await startChild(['bench/bare-broker.ts']);
  const bare = await drive(broker.ready['mqtt'] as string, load).finally(broker.stop);
  say(`load ${load}, bare broker`, figures(bare));
  const hub = await startHubUnderTest({ gateways, load, databasePort: DATABASE_PORT });
  try {
    const full = await work(hub, load, {});
    say(`load ${load}, hub`, figures(full.report));
    const together = `${count(gateways)} at once in ${ms(full.report.connectedAfterMs)}`;
    say(`load ${load}, connected`, together);
    say(`load ${load}, evaluated`, `${count(full.evaluatedPerS)} batches/s`);
    const durable = full.report.batchesAckedPerS / bare.batchesAckedPerS;
    const evaluated = full.evaluatedPerS / bare.batchesAckedPerS;
    say(`load ${load}, ratio`, `durable ${durable.toFixed(3)}, evaluated ${evaluated.toFixed(3)}`);
    const { hubUsPerBatch: hubUs, databaseUsPerBatch: databaseUs } = full;
    say(
      `load ${load}, CPU`,
      `${hubUs.toFixed(1)} + ${databaseUs.toFixed(1)} µs a batch, hub and database`,
    );
    const batchesPerS = full.evaluatedPerS / 2;
    const half = await work(hub, load, { heads: full.report.heads, batchesPerS });
    say(`load ${load}, half of that`, figures(half.report));
  } finally {
    await hub.close();
  }
}

/** The hub behind another broker, which acknowledges the gateways without storing anything. */
async function benchMosquitto(): Promise<void> {
  const broker = await startMosquitto();
  const hub = await startHubUnderTest({
    ...{ gateways, load: 'A', databasePort: DATABASE_PORT, mqttUrl: broker.url },
  });
  try {
    const { report, evaluatedPerS } = await work(hub, 'A', { batchesPerS: 10_000 });
    say('mosquitto at 10,000/s', figures(report));
    const { pos } = await hub.status();
    say('  of these in the journal', `${count(pos)} entries, evaluated ${count(evaluatedPerS)}/s`);
  } finally {
    await hub.close();
    await broker.stop();
  }
}

/** Work per backfilled batch, beside live load, against that of a live batch. */
async function benchBackfill(): Promise<void> {
  const away = size('AWAY', 1_000);
  const hours = size('HOURS', 8);
  const hub = await startHubUnderTest({
    ...{ gateways: gateways + away, load: 'C', databasePort: DATABASE_PORT },
  });
  const liveRate = { batchesPerS: 2_000 };
  try {
    const live = await work(hub, 'C', { ...liveRate, durationMs: 30 * SECOND_MS });
    const liveUs = live.hubUsPerBatch + live.databaseUsPerBatch;
    say('live alone at 2,000/s', `${figures(live.report)}  ${liveUs.toFixed(1)} µs a batch`);
    const stop = new AbortController();
    const before = await hub.cpu();
    const beside = drive(hub.mqtt, 'C', {
      ...liveRate,
      ...{ heads: live.report.heads, durationMs: HOUR_MS, signal: stop.signal },
    });
    const startedMs = performance.now();
    const backfill = await drive(hub.mqtt, 'C', {
      ...{
        firstIndex: gateways,
        gateways: away,
        connections: Math.ceil(away / GATEWAYS_PER_BRIDGE),
      },
      ...{ batches: (hours * HOUR_MS) / (10 * SECOND_MS), durationMs: HOUR_MS },
      channel: 'backfill',
    });
    const tookS = (performance.now() - startedMs) / SECOND_MS;
    stop.abort();
    const liveBeside = await beside;
    await hub.evaluated();
    const after = await hub.cpu();
    const usedS = after.hubS - before.hubS + (after.databaseS - before.databaseS);
    const besideS = (liveUs * liveBeside.batchesAcked) / 1e6;
    const backfillUs = ((usedS - besideS) * 1e6) / backfill.batchesAcked;
    say(`${away} × ${hours} h backfilled`, `${figures(backfill)}  in ${tookS.toFixed(0)} s`);
    say('live beside it', figures(liveBeside));
    say('work a batch', `${backfillUs.toFixed(1)} µs, ${(backfillUs / liveUs).toFixed(2)} × live`);
  } finally {
    await hub.close();
  }
}

async function benchRestart(): Promise<void> {
  const channels = size('CHANNELS', 100_000);
  const many = Math.ceil(channels / 5);
  const hub = await startHubUnderTest({ gateways: many, load: 'A', databasePort: DATABASE_PORT });
  try {
    const connections = Math.ceil(many / GATEWAYS_PER_BRIDGE);
    const { report } = await work(hub, 'A', { gateways: many, connections, batches: 5 });
    for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
      const startedMs = performance.now();
      await hub.restart(signal);
      await hub.evaluated();
      const tookS = (performance.now() - startedMs) / SECOND_MS;
      say(`restart after ${signal}`, `${tookS.toFixed(1)} s, ${count(many * 5)} channels`);
    }
    say('  batches before', count(report.batchesAcked));
  } finally {
    await hub.close();
  }
}

async function benchMemory(): Promise<void> {
  const minutes = size('MINUTES', 5);
  const hub = await startHubUnderTest({ gateways, load: 'A', databasePort: DATABASE_PORT });
  const samples: number[] = [];
  const timer = setInterval(() => samples.push(hub.rssMiB()), MINUTE_MS);
  try {
    const { report } = await work(hub, 'A', {
      ...{ durationMs: minutes * MINUTE_MS + SECOND_MS, batchesPerS: 8_000 },
    });
    say(`${minutes} min at 8,000/s`, figures(report));
    say('resident MiB by minute', samples.map((sample) => sample.toFixed(0)).join(' '));
    say('last against first', ((samples.at(-1) ?? 0) / (samples[0] ?? 1)).toFixed(2));
  } finally {
    clearInterval(timer);
    await hub.close();
  }
}

/** From the batch that makes a clue to its push at the platform, beside a load that runs already. */
async function benchPush(): Promise<void> {
  const loud = 40;
  const platform = await startBenchPlatform();
  const hub = await startHubUnderTest({
    ...{ gateways: gateways + loud, load: 'A', databasePort: DATABASE_PORT },
    platformUrl: platform.url,
  });
  try {
    const steady = { batchesPerS: 4_000, overEvery: 0 };
    // The first batches make all rules and their first standings: that is a start, not a day.
    const { report } = await work(hub, 'A', steady);
    const stop = new AbortController();
    const beside = drive(hub.mqtt, 'A', {
      ...{ ...steady, heads: report.heads, durationMs: HOUR_MS, signal: stop.signal },
    });
    await drive(hub.mqtt, 'A', {
      ...{ firstIndex: gateways, gateways: loud, overEvery: 1, batchesPerS: 6 * loud },
    });
    stop.abort();
    const besideFigures = figures(await beside);
    await hub.evaluated();
    const tookMs = await pushLatenciesMs(hub.api, platform);
    const at = (share: number) => ms(tookMs[Math.floor(share * (tookMs.length - 1))] ?? null);
    say('live beside the pushes', besideFigures);
    say(`${tookMs.length} pushes arrived`, `p50 ${at(0.5)}  p99 ${at(0.99)}  most ${at(1)}`);
  } finally {
    await hub.close();
    await platform.close();
  }
}

const PARTS: Readonly<Record<string, () => Promise<void>>> = {
  A: () => benchLoad('A'),
  B: () => benchLoad('B'),
  C: () => benchLoad('C'),
  mosquitto: benchMosquitto,
  backfill: benchBackfill,
  restart: benchRestart,
  memory: benchMemory,
  push: benchPush,
};

const asked = process.argv.slice(2);
const unknown = asked.filter((name) => !Object.hasOwn(PARTS, name));
if (unknown.length > 0) {
  console.error(`No part ${unknown.join(', ')}: there are ${Object.keys(PARTS).join(', ')}`);
  process.exit(2);
}
console.log(`${gateways} gateways, ${seconds} s, ${cpus().length} cores shared`);
for (const name of asked.length > 0 ? asked : ['A', 'B', 'C']) await PARTS[name]?.();
