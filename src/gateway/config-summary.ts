import { describePlan } from './bus-budget.ts';
import type { GatewayConfig } from './config.ts';
import { configWarnings } from './config-warnings.ts';
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
    warnings: configWarnings(config),
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
