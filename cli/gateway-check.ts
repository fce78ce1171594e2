import { readGatewayConfig } from '../src/gateway/config.ts';
import { summarize } from '../src/gateway/config-summary.ts';

/** `wugan gateway check`: every fault of settings and templates, or what they come to. */
export function runCheck(options: { config: string }): void {
  const { lines, warnings } = summarize(readGatewayConfig(options.config));
  for (const line of lines) console.log(line);
  for (const warning of warnings) console.log(`warning: ${warning}`);
  console.log(`${options.config} is sound`);
}
