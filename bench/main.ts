import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { type FleetReport, runFleet } from '../simulators/fleet.ts';
import type { Load } from '../simulators/fleet-member.ts';
import { fleetRegistryYaml } from '../simulators/fleet-registry.ts';
import { DAY_MS, SECOND_MS } from '../src/model/time.ts';
import { cpuSeconds, startChild } from './child.ts';

// Ratios of one run on one machine: the hub against the bare broker under the same load.
//   npm run bench            load A, 2,000 gateways, 20 s each
//   npm run bench -- B 500 10
const [load = 'A', gatewaysText = '2000', secondsText = '20'] = process.argv.slice(2);
const gateways = Number(gatewaysText);
const seconds = Number(secondsText);
const REGION = '330106';
const DATABASE_PORT = 54_329;
/** The fleet's time runs faster than the clock; a day back leaves room. */
const startMs = Math.floor((Date.now() - DAY_MS) / SECOND_MS) * SECOND_MS;

const drive = (mqttUrl: string, over: Partial<Parameters<typeof runFleet>[0]> = {}) =>
  runFleet({
    mqttUrl,
    region: REGION,
    gateways,
    load: load as Load,
    startMs,
    durationMs: seconds * SECOND_MS,
    ...over,
  });

async function runBare(): Promise<FleetReport> {
  const broker = await startChild(['bench/bare-broker.ts']);
  try {
    return await drive(broker.ready['mqtt']!);
  } finally {
    await broker.stop();
  }
}

interface HubRun {
  readonly full: FleetReport;
  readonly half: FleetReport;
  /** Batches per second counted until the last of them was evaluated and its outputs stored. */
  readonly evaluatedPerS: number;
  readonly hubCpuUsPerBatch: number;
}

async function runHub(): Promise<HubRun> {
  const dataDir = mkdtempSync(join(tmpdir(), 'wugan-bench-'));
  const registry = join(dataDir, 'registry.yaml');
  writeFileSync(registry, fleetRegistryYaml(gateways, { region: REGION, load: load as Load }));
  const config = join(dataDir, 'hub.yaml');
  writeFileSync(
    config,
    stringify({
      dataDir,
      logLevel: 'warn',
      database: { port: DATABASE_PORT },
      http: { port: 0 },
      registry,
      ingest: { port: 0 },
      alerts: { platform: { url: 'http://127.0.0.1:9', accessKey: 'bench', secretKey: 'bench' } },
    }),
  );
  const hub = await startChild(['bin/wugan.js', 'hub', '--json', '-c', config]);
  try {
    const cpuBeforeS = await cpuSeconds(hub.child.pid!);
    const startedMs = performance.now();
    const full = await drive(hub.ready['mqtt']!);
    await evaluated(hub.ready['http']!);
    const evaluatedS = (performance.now() - startedMs) / SECOND_MS;
    const cpuS = (await cpuSeconds(hub.child.pid!)) - cpuBeforeS;
    const half = await drive(hub.ready['mqtt']!, {
      heads: full.heads,
      batchesPerS: full.batchesAckedPerS / 2,
    });
    return {
      full,
      half,
      evaluatedPerS: full.batchesAcked / evaluatedS,
      hubCpuUsPerBatch: (cpuS * 1e6) / full.batchesAcked,
    };
  } finally {
    await hub.stop();
    rmSync(dataDir, { recursive: true, force: true });
  }
}

/** Waits until the evaluator has no entry left to read. */
async function evaluated(http: string): Promise<void> {
  for (;;) {
    const status = (await (await fetch(`${http}/api/v1/status`)).json()) as {
      shards: { lag: number }[];
    };
    if (status.shards.every(({ lag }) => lag <= 1)) return;
    await new Promise((next) => setTimeout(next, 100));
  }
}

const ms = (value: number | null): string => `${value?.toFixed(1) ?? '–'} ms`;
const perS = (value: number): string => `${Math.round(value).toLocaleString('en')} batches/s`;

console.log(`load ${load}, ${gateways} gateways, ${seconds} s, ${cpus().length} cores shared`);
const bare = await runBare();
console.log(`bare broker      ${perS(bare.batchesAckedPerS)}  p99 ${ms(bare.ackMsP99)}`);
const hub = await runHub();
console.log(`hub, durable     ${perS(hub.full.batchesAckedPerS)}  p99 ${ms(hub.full.ackMsP99)}`);
console.log(`hub, evaluated   ${perS(hub.evaluatedPerS)}`);
console.log(`hub at half load ${perS(hub.half.batchesAckedPerS)}  p99 ${ms(hub.half.ackMsP99)}`);
console.log(
  `hub CPU          ${hub.hubCpuUsPerBatch.toFixed(1)} µs a batch (without the database)`,
);
console.log(
  `ratio            durable ${(hub.full.batchesAckedPerS / bare.batchesAckedPerS).toFixed(3)}, evaluated ${(hub.evaluatedPerS / bare.batchesAckedPerS).toFixed(3)}`,
);
