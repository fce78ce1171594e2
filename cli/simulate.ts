import { runFleet } from '../simulators/fleet.ts';
import { LOADS, type Load } from '../simulators/fleet-member.ts';
import { fleetRegistryYaml } from '../simulators/fleet-registry.ts';
import { startPlatform } from '../simulators/platform.ts';
import { Scenario } from '../simulators/scenario.ts';
import { startSensors } from '../simulators/sensors.ts';
import { HOUR_MS, SECOND_MS } from '../src/model/time.ts';
import { realClock } from '../src/process/clock.ts';
import { readConfig } from '../src/process/config-file.ts';
import { createLogger } from '../src/process/log.ts';
import { createShutdownStack } from '../src/process/shutdown.ts';
import { StartError } from './busy-port.ts';
import { closeOnSignal } from './until-signal.ts';

/** `wugan simulate sensors`: on the machine's clock, until SIGINT or SIGTERM. */
export async function runSensors(options: { config: string }): Promise<never> {
  const scenario = readConfig(options.config, Scenario);
  const stack = createShutdownStack();
  const sensors = await startSensors(scenario, {
    clock: realClock,
    anchorMs: Date.now(),
    log: createLogger('sensors', 'info'),
  });
  stack.push('sensors', sensors.close);
  const ports = scenario.buses.map((bus) => `${bus.bus} 127.0.0.1:${bus.port}`).join('  ');
  console.log(`sensors answer: ${ports}`);
  return closeOnSignal(stack, (text) => console.log(text));
}

/** `wugan simulate platform`: until SIGINT or SIGTERM. */
export async function runPlatform(options: {
  port: number;
  accessKey: string;
  secretKey: string;
}): Promise<never> {
  const stack = createShutdownStack();
  const platform = await startPlatform({
    host: '127.0.0.1',
    ...options,
    log: createLogger('platform', 'info'),
  });
  stack.push('platform', platform.close);
  console.log(`platform takes clues at ${platform.url}/clues`);
  return closeOnSignal(stack, (text) => console.log(text));
}

const FLEET_REGION = '330106';
/** Fleet time starts this far in the past, so that it can run faster than the clock. */
const FLEET_STARTS_BEFORE_MS = 24 * HOUR_MS;

/** Throws `StartError` for a load that there is not. */
function loadOf(text: string): Load {
  if (Object.hasOwn(LOADS, text)) return text as Load;
  const loads = Object.keys(LOADS).join(', ');
  throw new StartError(`Cannot make load "${text}": --load is one of ${loads}`);
}

/** Throws `StartError` for what is not the address of a broker over plain TCP. */
function brokerUrlOf(text: string): string {
  const url = URL.parse(text);
  if (url?.protocol === 'mqtt:' && url.hostname !== '') return text;
  throw new StartError(`Cannot connect to "${text}": --mqtt-url is like mqtt://127.0.0.1:1883`);
}

/** `wugan simulate fleet`: prints its report as JSON. */
export async function runFleetCommand(options: {
  mqttUrl: string;
  gateways: number;
  load: string;
  seconds: number;
  printRegistry: boolean;
}): Promise<void> {
  const load = loadOf(options.load);
  const mqttUrl = brokerUrlOf(options.mqttUrl);
  if (options.printRegistry) {
    const { gateways } = options;
    process.stdout.write(fleetRegistryYaml(gateways, { region: FLEET_REGION, load }));
    return;
  }
  const startMs = Math.floor((Date.now() - FLEET_STARTS_BEFORE_MS) / SECOND_MS) * SECOND_MS;
  const { heads: _, ...report } = await runFleet({
    mqttUrl,
    region: FLEET_REGION,
    gateways: options.gateways,
    load,
    startMs,
    durationMs: options.seconds * SECOND_MS,
  });
  console.log(JSON.stringify(report, null, 2));
}
