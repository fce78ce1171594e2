import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { createVirtualClock } from '../../simulators/virtual-clock.ts';
import { GatewayConfig, type GatewayConfigInput } from '../../src/gateway/config.ts';
import { type Clock, HOUR_MS } from '../../src/model/time.ts';
import { aliveTimeMs } from './alive-time.ts';
import type { FakeHub } from './fake-hub.ts';

/** A clock that starts an hour ago and runs `speed` times as fast as this process lives. */
export const hourAgo = (speed: number): Clock =>
  createVirtualClock({
    startMs: Date.now() - HOUR_MS,
    speed,
    catchUpTo: Date.now,
    realMs: aliveTimeMs,
  });

/** A folder that goes with the test. */
export function testFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'wugan-gateway-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** A device with one uint16 at register 0 of its unit, in the range 0 to 60000. */
export const plainDevice = (device: string, unitId: number) => ({
  device,
  unitId,
  timeoutMs: 150,
  points: [
    {
      metric: 'level',
      address: 0,
      type: 'uint16' as const,
      range: [0, 60_000] as [number, number],
    },
  ],
});

/** Settings of a gateway with one bus, quick to reconnect, on a virtual clock. */
export function gatewayConfig(
  folder: string,
  hub: Pick<FakeHub, 'port' | 'key'>,
  modbusPort: number,
  overrides: Partial<GatewayConfigInput> = {},
): GatewayConfig {
  return GatewayConfig.parse({
    gateway: 'gw-test',
    region: '330106',
    logLevel: 'silent',
    mqtt: { url: `mqtt://127.0.0.1:${hub.port}`, reconnectMsMin: 20, reconnectMsMax: 100 },
    hubPublicKey: hub.key.publicKey,
    keyFile: join(folder, 'key.pem'),
    spoolFile: join(folder, 'spool.sqlite'),
    clock: { source: 'virtual', errMs: 10 },
    buses: [
      {
        id: 'bus-1',
        transport: 'tcp',
        host: '127.0.0.1',
        port: modbusPort,
        reconnectMsMin: 20,
        reconnectMsMax: 100,
        devices: [plainDevice('dev-1', 1)],
      },
    ],
    ...overrides,
  });
}
