import { readFileSync } from 'node:fs';
import { createVirtualClock } from '../../simulators/virtual-clock.ts';
import { GatewayConfig } from '../../src/gateway/config.ts';
import { readSpoolPosition, startGateway } from '../../src/gateway/gateway.ts';
import { HOUR_MS } from '../../src/model/time.ts';
import { createFaultPoint } from '../../src/process/fault-point.ts';
import { createLogger } from '../../src/process/log.ts';
import { aliveTimeMs } from './alive-time.ts';
import { startPlainServer } from './modbus-servers.ts';

/**
 * A gateway in a process of its own, on a virtual clock that goes on where the last one stopped. The
 * devices are in the same process, so that none of it waits for another one on a busy machine.
 */
const [configFile = '', armed] = process.argv.slice(2);
const { port } = await startPlainServer((unitId) => 700 + unitId);
const settings = JSON.parse(readFileSync(configFile, 'utf8'));
settings.buses[0].port = port;
const config = GatewayConfig.parse(settings);
const startMs = readSpoolPosition(config.spoolFile) ?? Date.now() - 12 * HOUR_MS;
const clock = createVirtualClock({
  startMs,
  speed: 60,
  catchUpTo: Date.now,
  realMs: aliveTimeMs,
});
const gateway = await startGateway(config, {
  clock,
  log: createLogger('gateway', config.logLevel),
  faultPoint: createFaultPoint(armed),
});
process.on('SIGTERM', () => {
  void gateway.close().then(() => process.exit(0));
});
