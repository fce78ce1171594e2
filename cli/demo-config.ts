import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import { z } from 'zod';
import { Scenario } from '../simulators/scenario.ts';
import { GatewayConfig } from '../src/gateway/config.ts';
import { HubConfig } from '../src/hub/config.ts';
import { makeFolder } from '../src/process/make-folder.ts';

/** The demo's own settings files, relative to this one. */
const DEMO_DIR = new URL('../simulators/demo/', import.meta.url);

export interface DemoOptions {
  readonly speed: number;
  readonly dataDir: string;
  readonly httpPort: number;
  readonly mqttPort: number;
  readonly databasePort: number;
  readonly platformPort: number;
  readonly modbusPort: number;
  readonly json: boolean;
}

/** What hub and simulated platform sign with: both run on this machine and are made up. */
export const DEMO_ACCESS_KEY = 'wugan-demo';
export const DEMO_SECRET_KEY = 'wugan-demo-secret';

const demoFile = (name: string): unknown => parse(readFileSync(new URL(name, DEMO_DIR), 'utf8'));

/**
 * Writes the demo's registry with the gateway's public key to the data folder and gives its path: the
 * file in the repository can't know a key that is made at the first start.
 */
export function writeDemoRegistry(dataDir: string, gatewayPublicKey: string): string {
  const registry = z
    .looseObject({ gateways: z.array(z.looseObject({ publicKey: z.string().nullable() })) })
    .parse(demoFile('registry.yaml'));
  const gateways = registry.gateways.map((gateway) => ({
    ...gateway,
    publicKey: gatewayPublicKey,
  }));
  makeFolder(dataDir);
  const file = join(dataDir, 'registry.yaml');
  writeFileSync(file, stringify({ ...registry, gateways }));
  return file;
}

/** A hub like any other; only the waits before a push are short. */
export const demoHubConfig = (
  options: DemoOptions,
  { registry, platformUrl }: { registry: string; platformUrl: string },
): HubConfig =>
  HubConfig.parse({
    dataDir: join(options.dataDir, 'hub'),
    logLevel: 'warn',
    database: { port: options.databasePort },
    http: { port: options.httpPort },
    registry,
    ingest: { port: options.mqttPort },
    alerts: {
      platform: {
        url: platformUrl,
        accessKey: DEMO_ACCESS_KEY,
        secretKey: DEMO_SECRET_KEY,
      },
      evidenceUrl: `http://127.0.0.1:${options.httpPort}/api/v1/evidence`,
      waits: { markingWindowMs: 0, markingMinimumMs: 2_000, shortTermWaitMs: 0 },
    },
  });

/** The scenario with its buses on consecutive ports from `modbusPort`. */
export function demoScenario(modbusPort: number): Scenario {
  const scenario = Scenario.parse(demoFile('sensors.yaml'));
  const buses = scenario.buses.map((bus, i) => ({ ...bus, port: modbusPort + i }));
  return { ...scenario, buses };
}

/** The demo's gateway, polling those buses. */
export function demoGatewayConfig(
  options: DemoOptions,
  {
    hubPublicKey,
    keyFile,
    spoolFile,
  }: { hubPublicKey: string; keyFile: string; spoolFile: string },
): GatewayConfig {
  const file = z
    .looseObject({ buses: z.array(z.looseObject({ port: z.int() })) })
    .parse(demoFile('gateway.yaml'));
  return GatewayConfig.parse({
    ...file,
    mqtt: { url: `mqtt://127.0.0.1:${options.mqttPort}`, reconnectMsMax: 5_000 },
    hubPublicKey,
    keyFile,
    spoolFile,
    buses: file.buses.map((bus, i) => ({ ...bus, port: options.modbusPort + i })),
  });
}
