import { accessSync, constants, existsSync } from 'node:fs';
import { budgetWarnings, describePlan } from './bus-budget.ts';
import type { GatewayConfig } from './config.ts';
import { ROW_BYTES } from './spool-statements.ts';

/** Bytes in the spool, measured: zstd leaves about 11 of a value, 350 of a batch's header. */
const VALUE_BYTES = 11;
const BATCH_BYTES = ROW_BYTES + 350;

export interface ConfigSummary {
  readonly lines: readonly string[];
  /** Worth a look; nothing that hinders the start. */
  readonly warnings: readonly string[];
}

/** What settings that are free of faults come to: poll plans, bus budgets, how long the spool lasts. */
export function summarize(config: GatewayConfig): ConfigSummary {
  const { buses, mqtt } = config;
  const templates = new Set(
    buses.flatMap(({ devices }) =>
      devices.map(({ template = '(points in the file)' }) => template),
    ),
  );
  return {
    lines: [
      `gateway ${config.gateway}, region ${config.region}, broker ${mqtt.url}`,
      `templates: ${[...templates].join(', ')}`,
      ...buses.flatMap(describePlan),
      spoolLine(config),
    ],
    warnings: [...buses.flatMap(budgetWarnings), ...fileWarnings(config), ...tlsWarnings(config)],
  };
}

function spoolLine({ buses, batch, spoolBytesMax, spoolAgeMsMax }: GatewayConfig): string {
  const devices = buses.flatMap((bus) => bus.devices);
  const valuesPerS = devices.reduce(
    (sum, { points, periodMs }) => sum + (points.length * 1_000) / periodMs,
    0,
  );
  const bytesPerS = valuesPerS * VALUE_BYTES + (BATCH_BYTES * 1_000) / batch.maxAgeMs;
  const days = Math.min(spoolBytesMax / bytesPerS / 86_400, spoolAgeMsMax / 86_400_000);
  const gib = (spoolBytesMax / 2 ** 30).toFixed(1);
  const lasts = `${gib} GiB hold about ${days.toFixed(1)} days without a hub`;
  return `spool: ${valuesPerS.toFixed(1)} values/s; ${lasts}`;
}

function fileWarnings({ keyFile, mqtt }: GatewayConfig): string[] {
  const warnings = existsSync(keyFile)
    ? []
    : [`${keyFile} does not exist: make it with wugan gateway keygen, or it is made at the start`];
  for (const name of ['caFile', 'certFile', 'clientKeyFile'] as const) {
    const file = mqtt[name];
    if (file !== undefined && !isReadable(file))
      warnings.push(`mqtt.${name}: ${file} can't be read`);
  }
  return warnings;
}

const tlsWarnings = ({ mqtt }: GatewayConfig): string[] =>
  /^(mqtts|wss):/.test(mqtt.url)
    ? []
    : ['mqtt.url is not encrypted: use mqtts:// on every network that is not yours alone'];

function isReadable(file: string): boolean {
  try {
    accessSync(file, constants.R_OK);
    return true;
  } catch {
    // Absent or forbidden: both are told.
    return false;
  }
}
