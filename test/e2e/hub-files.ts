import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import type { Load } from '../../simulators/fleet-member.ts';
import { fleetRegistryYaml } from '../../simulators/fleet-registry.ts';

export const REGION = '330106';
export const ACCESS_KEY = 'e2e';
export const SECRET_KEY = 'e2e-secret';

/** Settings of a hub for a simulated fleet, on an own database, that pushes without waiting. */
export function hubSettings(options: {
  readonly dataDir: string;
  readonly databaseUrl: string;
  readonly platformUrl: string;
  readonly mqttPort: number;
  readonly gateways: number;
  readonly load: Load;
}): Record<string, unknown> {
  const registry = join(options.dataDir, 'registry.yaml');
  writeFileSync(
    registry,
    fleetRegistryYaml(options.gateways, { region: REGION, load: options.load }),
  );
  return {
    dataDir: options.dataDir,
    logLevel: 'error',
    database: { url: options.databaseUrl },
    http: { port: 0 },
    registry,
    ingest: {
      port: options.mqttPort,
      tickIntervalMs: 1_000,
      checkpoint: { intervalMs: 300, entriesMin: 10 },
      lease: { durationMs: 2_000 },
    },
    alerts: {
      platform: {
        url: options.platformUrl,
        accessKey: ACCESS_KEY,
        secretKey: SECRET_KEY,
        // A hub killed in the middle of a push leaves it claimed for twice this long.
        timeoutMs: 500,
      },
      waits: { markingWindowMs: 0, markingMinimumMs: 0, shortTermWaitMs: 0 },
      retry: { redriveMs: 500 },
    },
  };
}

/** The same, with further sections, as a file for `wugan hub -c`. */
export function writeHubFile(
  options: Parameters<typeof hubSettings>[0],
  sections: Readonly<Record<string, unknown>> = {},
): string {
  const file = join(options.dataDir, 'hub.yaml');
  writeFileSync(file, stringify({ ...hubSettings(options), ...sections }));
  return file;
}
