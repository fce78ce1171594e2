import { readHubConfig } from '../src/hub/config.ts';
import { startHub } from '../src/hub/hub.ts';
import { isWhole } from '../src/hub/roles.ts';
import { createLogger } from '../src/process/log.ts';
import { createShutdownStack, throwIfLate } from '../src/process/shutdown.ts';
import { createSummaryPrinter } from './summary.ts';
import { runUntilSignal } from './until-signal.ts';

/** `wugan hub`: runs until SIGINT or SIGTERM. */
export async function runHub(options: {
  config: string;
  roles?: string;
  json: boolean;
}): Promise<never> {
  const config = readHubConfig(options.config, undefined, { roles: options.roles });
  const printer = createSummaryPrinter(process.stdout, { json: options.json, now: Date.now });
  const stack = createShutdownStack();
  const say = (text: string): void => printer.event('stop', text);
  return runUntilSignal(stack, say, async (signal) => {
    const hub = await startHub(config, {
      log: createLogger('hub', config.logLevel),
      onFatal: (reason) => {
        printer.event('fatal', `the hub can't go on: ${reason}`);
        process.exitCode = 1;
        process.kill(process.pid, 'SIGTERM');
      },
      signal,
    });
    stack.push('hub', async () => throwIfLate(await hub.close(8_000)));
    const hj212 = hub.hj212Port === null ? '' : `  HJ 212 on port ${hub.hj212Port}`;
    const broker = hub.mqttUrl === null ? '' : `  broker ${hub.mqttUrl}`;
    const roles = isWhole(config.roles) ? '' : `  roles ${config.roles.join(', ')}`;
    const addresses = `${hub.url}${broker}${hj212}${roles}`;
    printer.event('ready', `ready: ${addresses}  hub key ${hub.publicKey}`, {
      http: hub.url,
      mqtt: hub.mqttUrl,
      hj212Port: hub.hj212Port,
      publicKey: hub.publicKey,
      roles: config.roles,
    });
  });
}
