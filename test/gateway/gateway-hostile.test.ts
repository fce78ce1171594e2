import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import pino from 'pino';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import type { GatewayConfig } from '../../src/gateway/config.ts';
import { type Gateway, type GatewayParts, startGateway } from '../../src/gateway/gateway.ts';
import { openSpool } from '../../src/gateway/spool.ts';
import { DeviceId, GatewayId } from '../../src/model/ids.ts';
import { type Clock, DAY_MS } from '../../src/model/time.ts';
import { realClock } from '../../src/process/clock.ts';
import { readOrMakeKey } from '../../src/process/key-file.ts';
import { createLogger } from '../../src/process/log.ts';
import { generateKeyPem, signingKeyFromPem, signMessage } from '../../src/telemetry/signing.ts';
import { chainFaults, type FakeHub, startFakeHub, timesOf } from './fake-hub.ts';
import { gatewayConfig, testFolder } from './gateway-fixture.ts';
import { startPlainServer } from './modbus-servers.ts';

const log = createLogger('test', 'silent');
const ntp = { clock: { source: 'ntp', errMs: 10 } } as const;

const until = (what: () => boolean): Promise<void> =>
  vi.waitFor(() => expect(what()).toBe(true), { timeout: 20_000, interval: 10 });

async function world(): Promise<{ hub: FakeHub; folder: string; modbusPort: number }> {
  const hub = await startFakeHub();
  onTestFinished(() => hub.close());
  const server = await startPlainServer(() => 700);
  onTestFinished(() => server.close());
  return { hub, folder: testFolder(), modbusPort: server.port };
}

async function start(config: GatewayConfig, parts: Partial<GatewayParts> = {}): Promise<Gateway> {
  const gateway = await startGateway(config, { clock: realClock, log, ...parts });
  let closing: Promise<void> | undefined;
  const closeOnce = { ...gateway, close: () => (closing ??= gateway.close()) };
  onTestFinished(() => closeOnce.close());
  return closeOnce;
}

/** The machine's clock, some way off until it is set. */
function wrongClock(): Clock & { set(): void } {
  let offMs = -realClock.now() + 7_000_000;
  const now = (): number => realClock.now() + offMs;
  return {
    now,
    sleepUntil: (timeMs, signal) => realClock.sleepUntil(timeMs - offMs, signal),
    set() {
      offMs = 0;
    },
  };
}

describe('a gateway whose clock stands in 1970 until it is set', () => {
  it('opens a new epoch then, loses nothing, and takes its spool for no older than it is', async () => {
    const { hub, folder, modbusPort } = await world();
    const config = gatewayConfig(folder, hub, modbusPort, ntp);
    const clock = wrongClock();
    const gateway = await start(config, { clock });
    await until(() => hub.batches.size >= 2);
    const early = gateway.status().epoch;
    hub.acks = false;
    clock.set();
    await until(() => gateway.status().epoch !== early && gateway.status().seq >= 3);
    const { spool, devices } = gateway.status();
    expect(spool.fill).toMatchObject({ warning: null });
    expect(spool.batchesGivenUp).toBe(0);
    expect(devices[0]!.skipped).toBeLessThan(60);
    hub.acks = true;
    hub.ackNow();
    await until(() => gateway.status().spool.items < 5);
    await gateway.close();
    expect(chainFaults(hub, readOrMakeKey(config.keyFile).publicKey)).toEqual([]);
    const times = timesOf(hub, 'dev-1');
    expect(new Set(times).size).toBe(times.length);
    expect(times[0]).toBeLessThan(DAY_MS);
    expect(Math.abs(times.at(-1)! - Date.now())).toBeLessThan(DAY_MS);
  });
});

describe('a hub whose key is another one', () => {
  it('deletes nothing and is told of once; its key beside the old one makes everything good', async () => {
    const { hub, folder, modbusPort } = await world();
    const other = signingKeyFromPem(generateKeyPem());
    const old = gatewayConfig(folder, { port: hub.port, key: other }, modbusPort, ntp);
    const told: string[] = [];
    const write = (line: string): void => {
      const { msg, reason } = JSON.parse(line);
      if (msg === 'hub message refused') told.push(reason);
    };
    let config = old;
    const parts = { log: pino({ level: 'warn' }, { write }), readConfig: () => config };
    const gateway = await start(old, parts);
    await until(() => gateway.status().mqtt.refusedMessages >= 3);
    const { spool, seq, mqtt } = gateway.status();
    expect(spool.items).toBeGreaterThanOrEqual(seq);
    expect(mqtt.lastRefusal).toContain(
      `signed by key "${hub.key.keyId}", pinned is ${other.keyId}`,
    );
    expect(told).toHaveLength(1);
    config = { ...old, hubPublicKeyNext: hub.key.publicKey };
    expect(await gateway.reload()).toMatchObject({ ok: true });
    hub.ackNow();
    await until(() => gateway.status().spool.items < 3);
  });
});

describe('a spool that was copied from another gateway', () => {
  it('is not sent under the name of this one', async () => {
    const { hub, folder, modbusPort } = await world();
    const config = gatewayConfig(folder, hub, modbusPort, ntp);
    const foreign = join(folder, 'cloned.sqlite');
    const cloned = openSpool({
      file: foreign,
      gateway: GatewayId.parse('gw-other'),
      key: signingKeyFromPem(generateKeyPem()),
      bytesMax: 1e9,
      ageMsMax: 1e9,
      sealEveryBatches: 10,
      nowMs: Date.now(),
      isClockWatched: true,
      faultPoint: () => undefined,
    });
    for (let i = 0; i < 20; i += 1) {
      cloned.append({
        createdAtMs: Date.now(),
        encode: (link) => Buffer.from(JSON.stringify({ gateway: 'gw-other', ...link })),
        positions: new Map([[DeviceId.parse('d'), Date.now()]]),
      });
    }
    cloned.close();
    copyFileSync(foreign, config.spoolFile);
    const gateway = await start(config);
    await until(() => hub.batches.size >= 3);
    await gateway.close();
    for (const { batch } of hub.batches.values()) expect(batch.gateway).toBe('gw-test');
    expect(chainFaults(hub, readOrMakeKey(config.keyFile).publicKey)).toEqual([]);
  });
});

describe('a command', () => {
  it('is obeyed once, also when it comes again after a restart', async () => {
    const { hub, folder, modbusPort } = await world();
    const config = gatewayConfig(folder, hub, modbusPort, ntp);
    const command = { v: 1, gateway: 'gw-test', at: 5_000, command: 'self-test' };
    const send = (): void => hub.publish('command', JSON.stringify(signMessage(command, hub.key)));
    const first = await start(config);
    await until(() => first.status().mqtt.isUp);
    send();
    const results = (): unknown[] =>
      hub.received
        .filter(({ channel }) => channel === 'status')
        .map(({ payload }) => JSON.parse(payload.toString()).lastCommand?.result)
        .filter((result) => result !== undefined && result !== null);
    await until(() => results().length > 0);
    await first.close();
    const second = await start(config);
    await until(() => second.status().mqtt.isUp);
    send();
    await until(() => second.status().mqtt.refusedMessages === 1);
    expect(second.status().mqtt.lastRefusal).toMatch(/self-test of 5000: not newer/);
  });
});
