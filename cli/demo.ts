import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import packageJson from '../package.json' with { type: 'json' };
import { startPlatform } from '../simulators/platform.ts';
import { startSensors } from '../simulators/sensors.ts';
import { createVirtualClock, type VirtualClock } from '../simulators/virtual-clock.ts';
import { EmbeddedPostgresError } from '../src/database/postgres-process.ts';
import { startGateway } from '../src/gateway/gateway.ts';
import { readSpoolPosition } from '../src/gateway/spool-schema.ts';
import { type Hub, startHub } from '../src/hub/hub.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from '../src/model/time.ts';
import { readOrMakeKey } from '../src/process/key-file.ts';
import { createLogger } from '../src/process/log.ts';
import { createShutdownStack, type ShutdownStack, throwIfLate } from '../src/process/shutdown.ts';
import { assertPortsFree, StartError } from './busy-port.ts';
import {
  DEMO_ACCESS_KEY,
  DEMO_SECRET_KEY,
  type DemoOptions,
  demoGatewayConfig,
  demoHubConfig,
  demoScenario,
  writeDemoRegistry,
} from './demo-config.ts';
import { startDemoSummary } from './demo-summary.ts';
import { createSummaryPrinter, type SummaryPrinter } from './summary.ts';
import { runUntilSignal } from './until-signal.ts';

/**
 * `wugan demo`: database, broker, hub, platform, sensors and one gateway in this process, on a virtual
 * clock that only gateway and sensors know. Ends on SIGINT or SIGTERM.
 */
export async function runDemo(options: DemoOptions): Promise<never> {
  const stack = createShutdownStack();
  const printer = createSummaryPrinter(process.stdout, { json: options.json, now: Date.now });
  stack.push('summary', printer.close);
  const say = (text: string): void => printer.event('stop', text);
  return runUntilSignal(stack, say, async (signal) => {
    try {
      await startDemo(options, stack, printer, signal);
    } catch (error) {
      // The part names its setting; here the option is what moves the port.
      if (!(error instanceof EmbeddedPostgresError)) throw error;
      throw new StartError(
        error.message.replace(
          'set database.port to another',
          'choose another with --database-port',
        ),
      );
    }
  });
}

async function startDemo(
  options: DemoOptions,
  stack: ShutdownStack,
  printer: SummaryPrinter,
  signal: AbortSignal,
): Promise<void> {
  await assertPortsFree([
    { port: options.httpPort, option: '--http-port' },
    { port: options.mqttPort, option: '--mqtt-port' },
    { port: options.platformPort, option: '--platform-port' },
    ...demoScenario(options.modbusPort).buses.map(({ port }) => ({
      port,
      option: '--modbus-port',
    })),
  ]);
  const log = createLogger('wugan', 'warn');
  printer.event('start', 'starting database, hub, platform and sensors …');
  const platform = await startPlatform({
    host: '127.0.0.1',
    port: options.platformPort,
    accessKey: DEMO_ACCESS_KEY,
    secretKey: DEMO_SECRET_KEY,
    log: log.child({ part: 'platform' }),
    stateFile: join(options.dataDir, 'platform.jsonl'),
  });
  stack.push('simulated platform', platform.close);

  const gatewayKeyFile = join(options.dataDir, 'gateway', 'gateway-key.pem');
  const registry = writeDemoRegistry(options.dataDir, readOrMakeKey(gatewayKeyFile).publicKey);
  const hub = await startHub(demoHubConfig(options, { registry, platformUrl: platform.url }), {
    log,
    onFatal: (reason) => {
      printer.event('fatal', `the hub can't go on: ${reason}`);
      process.exitCode = 1;
      process.kill(process.pid, 'SIGTERM');
    },
    signal,
  });
  stack.push('hub', async () => throwIfLate(await hub.close(7_000)));
  signal.throwIfAborted();

  const clock = await startField(options, hub, stack, printer);
  printer.event(
    'ready',
    `ready: open ${hub.url}\n` +
      `  platform (simulated): ${platform.url}/clues   broker: mqtt://127.0.0.1:${hub.mqttPort}   Ctrl-C stops`,
    { http: hub.url, platform: platform.url, mqtt: `mqtt://127.0.0.1:${hub.mqttPort}` },
  );
  const summary = startDemoSummary({ hub, platform, clock, speed: options.speed, printer });
  stack.push('live summary', summary.close);
}

/** The factory: sensors and gateway, on the clock that only they know. */
async function startField(
  options: DemoOptions,
  hub: Hub,
  stack: ShutdownStack,
  printer: SummaryPrinter,
): Promise<VirtualClock> {
  const log = createLogger('field', 'warn');
  const spoolFile = join(options.dataDir, 'gateway', 'spool.sqlite');
  const keyFile = join(options.dataDir, 'gateway', 'gateway-key.pem');
  const startMs = demoStartMs(readSpoolPosition(spoolFile), Date.now());
  if (startMs.holeMs > 0) {
    const minutes = Math.round(startMs.holeMs / MINUTE_MS);
    printer.event('gap', `stopped for long: ${minutes} min of the past stay empty`, { minutes });
  }
  const clock = createVirtualClock({
    startMs: startMs.atMs,
    speed: options.speed,
    catchUpTo: Date.now,
  });
  const sensors = await startSensors(demoScenario(options.modbusPort), {
    clock,
    anchorMs: readOrMakeAnchor(options.dataDir, startMs.atMs),
    log,
  });
  stack.push('simulated sensors', sensors.close);
  const gateway = await startGateway(
    demoGatewayConfig(options, { hubPublicKey: hub.publicKey, keyFile, spoolFile }),
    { clock, log, build: packageJson.version },
  );
  stack.push('gateway', gateway.close);
  const hours = ((Date.now() - startMs.atMs) / HOUR_MS).toFixed(1);
  printer.event('clock', `virtual time starts ${hours} h ago and runs ×${options.speed} until now`);
  return clock;
}

/**
 * Where virtual time starts: 24 h ago, or where the last run stopped; never over times already sent.
 * What lies between a stop of more than 24 h ago and the start stays a hole.
 */
export function demoStartMs(
  positionMs: number | null,
  nowMs: number,
): { readonly atMs: number; readonly holeMs: number } {
  const dayAgoMs = Math.floor((nowMs - DAY_MS) / SECOND_MS) * SECOND_MS;
  if (positionMs === null) return { atMs: dayAgoMs, holeMs: 0 };
  const atMs = Math.max(dayAgoMs, positionMs);
  return { atMs, holeMs: atMs - positionMs };
}

/** The time at which recordings that begin "at the start" begin; kept, so that a restart goes on. */
function readOrMakeAnchor(dataDir: string, startMs: number): number {
  const file = join(dataDir, 'anchor');
  if (!existsSync(file)) writeFileSync(file, String(startMs));
  return Number(readFileSync(file, 'utf8'));
}
