import { readGatewayConfig } from '../src/gateway/config.ts';
import { statusMetrics } from '../src/gateway/status-metrics.ts';
import { askStatus } from '../src/gateway/status-socket.ts';
import { RawView, rawLines, StatusView, statusLines } from '../src/gateway/status-view.ts';
import { ConfigError, describeIssues } from '../src/process/config-file.ts';

/** `wugan gateway status`: asks the gateway that runs with these settings. */
export async function runStatus(options: {
  config: string;
  json: boolean;
  raw: boolean;
  metrics: boolean;
}): Promise<void> {
  const { statusSocket, spoolFile } = readGatewayConfig(options.config);
  const socket = statusSocket ?? `${spoolFile}.sock`;
  const answer = await askStatus(socket, options.raw ? 'raw' : 'status');
  if (!answer.ok) {
    const reason =
      answer.reason === 'not-running'
        ? `nobody answers at ${socket}: the gateway does not run, or runs as another user`
        : `cannot read the answer at ${socket}: ${answer.detail}`;
    throw new ConfigError(options.config, [reason]);
  }
  if (options.json) {
    console.log(JSON.stringify(answer.value));
    return;
  }
  if (options.raw) {
    for (const line of rawLines(RawView.parse(answer.value))) console.log(line);
    return;
  }
  const status = StatusView.safeParse(answer.value);
  if (!status.success) throw new ConfigError(socket, describeIssues(status.error, answer.value));
  if (options.metrics) {
    process.stdout.write(await statusMetrics(status.data));
    return;
  }
  for (const line of statusLines(status.data, Date.now())) console.log(line);
}
