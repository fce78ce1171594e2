import packageJson from '../package.json' with { type: 'json' };
import { readGatewayConfig } from '../src/gateway/config.ts';
import { configWarnings } from '../src/gateway/config-warnings.ts';
import { startGateway } from '../src/gateway/gateway.ts';
import { realClock } from '../src/process/clock.ts';
import { readOrMakeKey } from '../src/process/key-file.ts';
import { createLogger } from '../src/process/log.ts';
import { createShutdownStack } from '../src/process/shutdown.ts';
import { closeOnSignal } from './until-signal.ts';

/** `wugan gateway run`: runs until SIGINT or SIGTERM; SIGHUP reads the settings anew. */
export async function runGateway(options: { config: string }): Promise<never> {
  const config = readGatewayConfig(options.config);
  const log = createLogger('gateway', config.logLevel);
  const { publicKey } = readOrMakeKey(config.keyFile);
  for (const warning of configWarnings(config)) log.warn(warning);
  const stack = createShutdownStack();
  const gateway = await startGateway(config, {
    clock: realClock,
    log,
    build: packageJson.version,
    readConfig: () => readGatewayConfig(options.config),
    // The service manager starts it again, and the new start begins a new spool.
    onDamage: () => process.kill(process.pid, 'SIGTERM'),
  });
  stack.push('gateway', gateway.close);
  process.on('SIGHUP', () => {
    gateway.reload().then(
      (reloaded) => console.log(reloaded.ok ? 'reloaded' : `not reloaded: ${reloaded.detail}`),
      (error: unknown) => log.error({ err: error }, 'reload failed'),
    );
  });
  console.log(`gateway ${config.gateway} polls; public key for the registry: ${publicKey}`);
  return closeOnSignal(stack, (text) => console.log(text));
}
