import { describe, expect, it, onTestFinished, vi } from 'vitest';
import type { GatewayConfig } from '../../src/gateway/config.ts';
import { type Gateway, readSpoolPosition, startGateway } from '../../src/gateway/gateway.ts';
import type { Clock } from '../../src/model/time.ts';
import { realClock } from '../../src/process/clock.ts';
import { readOrMakeKey } from '../../src/process/key-file.ts';
import { createLogger } from '../../src/process/log.ts';
import { generateKeyPem, signingKeyFromPem, signMessage } from '../../src/telemetry/signing.ts';
import { chainFaults, type FakeHub, startFakeHub, timesOf } from './fake-hub.ts';
import { gatewayConfig, hourAgo, plainDevice, testFolder } from './gateway-fixture.ts';
import { startForeignServer, startPlainServer } from './modbus-servers.ts';

const log = createLogger('test', 'silent');

async function start(config: GatewayConfig, clock: Clock): Promise<Gateway> {
  const gateway = await startGateway(config, { clock, log, build: 'test' });
  let closing: Promise<void> | undefined;
  const closeOnce = { ...gateway, close: () => (closing ??= gateway.close()) };
  onTestFinished(() => closeOnce.close());
  return closeOnce;
}

async function world(): Promise<{ hub: FakeHub; folder: string; modbusPort: number }> {
  const folder = testFolder();
  const hub = await startFakeHub();
  onTestFinished(() => hub.close());
  const server = await startPlainServer((unitId) => (unitId === 9 ? null : 700 + unitId));
  onTestFinished(() => server.close());
  return { hub, folder, modbusPort: server.port };
}

const until = (what: () => boolean, timeout = 10_000): Promise<void> =>
  vi.waitFor(() => expect(what()).toBe(true), { timeout, interval: 10 });

describe('a gateway', () => {
  it('polls, chains, seals and publishes live; the hub gets every second once', async () => {
    const { hub, folder, modbusPort } = await world();
    const config = gatewayConfig(folder, hub, modbusPort);
    const gateway = await start(config, hourAgo(100));
    await until(() => hub.batches.size >= 150 && hub.seals.length >= 2);
    await gateway.close();
    expect(chainFaults(hub, readOrMakeKey(config.keyFile).publicKey)).toEqual([]);
    const times = timesOf(hub, 'dev-1');
    expect(times).toEqual(times.map((_, i) => times[0]! + i * 1_000));
    const frames = [...hub.batches.values()].flatMap(({ batch }) => batch.frames);
    // A busy machine may let a poll time out: then the frame says so, and never anything else.
    const values = new Set(frames.map((frame) => frame.values['level' as never]));
    expect([...values].filter((value) => value !== null)).toEqual([701]);
    expect(hub.received.filter(({ channel }) => channel === 'backfill')).toEqual([]);
    const live = hub.received.filter(({ channel }) => channel === 'live');
    const seqs = live.map(({ payload }) => JSON.parse(payload.toString()).seq);
    expect(seqs).toEqual(seqs.map((_, i) => i + 1));
  });

  it('says that it is online, retained, and offline when it stops', async () => {
    const { hub, folder, modbusPort } = await world();
    const gateway = await start(gatewayConfig(folder, hub, modbusPort), hourAgo(100));
    await until(() => hub.batches.size >= 3);
    await gateway.close();
    const statuses = hub.received
      .filter(({ channel }) => channel === 'status')
      .map(({ payload }) => JSON.parse(payload.toString()).online);
    expect(statuses).toEqual([true, false]);
  });

  it('deletes nothing on PUBACK alone, and everything on the ack', async () => {
    const { hub, folder, modbusPort } = await world();
    hub.acks = false;
    const gateway = await start(gatewayConfig(folder, hub, modbusPort), hourAgo(100));
    await until(() => hub.batches.size >= 50);
    const { spool, seq } = gateway.status();
    expect(spool.items).toBeGreaterThanOrEqual(seq);
    hub.acks = true;
    hub.ackNow();
    await until(() => gateway.status().spool.items < 10);
    expect(gateway.status().mqtt.lastAckAtMs).not.toBeNull();
  });

  it('deletes nothing on acks without a signature, of another key, or for another gateway', async () => {
    const { hub, folder, modbusPort } = await world();
    hub.acks = false;
    const gateway = await start(gatewayConfig(folder, hub, modbusPort), hourAgo(100));
    await until(() => hub.batches.size >= 20);
    const { epoch } = gateway.status();
    const epochs = [{ epoch, durable: 15, stored: [], sealed: 0 }];
    const ack = { v: 1, gateway: 'gw-test', accepts: [1], at: Date.now(), epochs };
    const signed = signMessage(ack, hub.key);
    const forged: [channel: 'ack' | 'command', message: object][] = [
      ['ack', ack],
      ['ack', signMessage(ack, signingKeyFromPem(generateKeyPem()))],
      ['ack', signMessage({ ...ack, gateway: 'gw-other' }, hub.key)],
      ['ack', { ...signed, epochs: [{ ...epochs[0], durable: 16 }] }],
      ['ack', signMessage({ ...ack, epochs: [{ epoch, durable: -1 }] }, hub.key)],
      ['command', { ...signed, command: 'resend', epoch, from: 1, to: 9 }],
      ['command', signed],
    ];
    for (const [i, [channel, message]] of forged.entries()) {
      hub.publish(channel, JSON.stringify(message));
      await until(() => gateway.status().mqtt.refusedMessages === i + 1);
    }
    expect(gateway.status().spool.items).toBeGreaterThanOrEqual(gateway.status().seq);
    hub.publish('ack', JSON.stringify(signed));
    await until(() => gateway.status().spool.items <= gateway.status().seq - 12);
  });

  it('keeps polling while the broker is away, then sends live first and the rest as backfill', async () => {
    const { hub, folder, modbusPort } = await world();
    const config = gatewayConfig(folder, hub, modbusPort, { backfillPerSecond: 5 });
    const gateway = await start(config, hourAgo(100));
    await until(() => hub.batches.size >= 20);
    await hub.goDown();
    const before = gateway.status().seq;
    await until(() => gateway.status().seq >= before + 60);
    const cameBackAt = hub.received.length;
    await hub.comeBack();
    await until(() => gateway.status().spool.items < 5 && hub.batches.size >= before + 60);
    const later = hub.received.slice(cameBackAt);
    const firstLive = later.findIndex(({ channel }) => channel === 'live');
    const lastBackfill = later.findLastIndex(({ channel }) => channel === 'backfill');
    expect(firstLive).toBeGreaterThanOrEqual(0);
    expect(firstLive).toBeLessThan(lastBackfill);
    await gateway.close();
    expect(chainFaults(hub, readOrMakeKey(config.keyFile).publicKey)).toEqual([]);
    const times = timesOf(hub, 'dev-1');
    expect(times).toEqual(times.map((_, i) => times[0]! + i * 1_000));
  });

  it('sends again what the hub left unacknowledged, with the same bytes', async () => {
    const { hub, folder, modbusPort } = await world();
    hub.acks = false;
    const config = gatewayConfig(folder, hub, modbusPort, { resendAfterMs: 200 });
    const gateway = await start(config, hourAgo(100));
    const copiesOfFirst = () =>
      hub.received.filter(({ payload }) => payload.includes('"seq":1,')).length;
    await until(() => copiesOfFirst() >= 3);
    expect(hub.batches.get(`${gateway.status().epoch}/1`)?.batch.seq).toBe(1);
  });

  it('loses nothing when the link is cut again and again before the PUBACK', async () => {
    const { hub, folder, modbusPort } = await world();
    let taken = 0;
    hub.cutAfter = ({ channel }) => channel === 'live' && ++taken % 25 === 0;
    const config = gatewayConfig(folder, hub, modbusPort, { resendAfterMs: 300 });
    const gateway = await start(config, hourAgo(100));
    await until(() => hub.batches.size >= 150);
    hub.cutAfter = () => false;
    await until(() => gateway.status().spool.items < 5);
    await gateway.close();
    expect(taken).toBeGreaterThan(100);
    expect(chainFaults(hub, readOrMakeKey(config.keyFile).publicKey)).toEqual([]);
  });

  it('gives up the oldest as a signed gap when the spool is full, and the chain goes on', async () => {
    const { hub, folder, modbusPort } = await world();
    await hub.goDown();
    const config = gatewayConfig(folder, hub, modbusPort, { spoolBytesMax: 64 * 1024 });
    const gateway = await start(config, hourAgo(120));
    await until(() => gateway.status().spool.batchesGivenUp > 40, 15_000);
    expect(gateway.status().spool.bytes).toBeLessThanOrEqual(64 * 1024);
    await hub.comeBack();
    await until(() => hub.gaps.length > 0 && gateway.status().spool.items < 20);
    await gateway.close();
    expect(hub.gaps[0]).toMatchObject({ from: 1, reason: 'spool-full' });
    expect(chainFaults(hub, readOrMakeKey(config.keyFile).publicKey)).toEqual([]);
  }, 30_000);

  it('goes on with seq and time after a restart: no time is polled twice', async () => {
    const { hub, folder, modbusPort } = await world();
    const config = gatewayConfig(folder, hub, modbusPort);
    const first = await start(config, hourAgo(100));
    await until(() => hub.batches.size >= 30);
    await first.close();
    const { epoch, seq, lastAtMs } = {
      ...lastBatchOf(hub),
      lastAtMs: readSpoolPosition(config.spoolFile),
    };
    expect(lastAtMs).toBe(timesOf(hub, 'dev-1').at(-1));
    // The clock of the second run starts before the end of the first.
    const second = await start(config, hourAgo(100));
    await until(() => hub.batches.size >= seq + 30);
    await second.close();
    expect(lastBatchOf(hub).epoch).toBe(epoch);
    const times = timesOf(hub, 'dev-1');
    expect(times).toEqual(times.map((_, i) => times[0]! + i * 1_000));
    expect(chainFaults(hub, readOrMakeKey(config.keyFile).publicKey)).toEqual([]);
  });

  it('opens a new epoch when the clock steps, and chains it to the one before', async () => {
    const { hub, folder, modbusPort } = await world();
    const config = gatewayConfig(folder, hub, modbusPort, { clock: { source: 'ntp', errMs: 5 } });
    let stepMs = 0;
    const clock: Clock = {
      now: () => realClock.now() + stepMs,
      sleepUntil: (timeMs, signal) => realClock.sleepUntil(timeMs - stepMs, signal),
    };
    const gateway = await start(config, clock);
    await until(() => hub.batches.size >= 2);
    stepMs = 5_000;
    await until(
      () => new Set([...hub.batches.values()].map(({ batch }) => batch.epoch)).size === 2,
    );
    await gateway.close();
    expect(chainFaults(hub, readOrMakeKey(config.keyFile).publicKey)).toEqual([]);
    const times = timesOf(hub, 'dev-1');
    expect(new Set(times).size).toBe(times.length);
  });

  it('opens a new epoch when an ack names a seq that it never made', async () => {
    const { hub, folder, modbusPort } = await world();
    const config = gatewayConfig(folder, hub, modbusPort);
    const gateway = await start(config, hourAgo(100));
    await until(() => hub.batches.size >= 10);
    const { epoch } = gateway.status();
    const epochs = [{ epoch, durable: 1_000_000, stored: [], sealed: 0 }];
    const ack = { v: 1, gateway: 'gw-test', accepts: [1], at: Date.now(), epochs };
    hub.publish('ack', JSON.stringify(signMessage(ack, hub.key)));
    await until(() => gateway.status().epoch !== epoch);
    await until(() => hub.batches.has(`${gateway.status().epoch}/5`));
    await gateway.close();
    expect(chainFaults(hub, readOrMakeKey(config.keyFile).publicKey)).toEqual([]);
  });

  it('reads a server that nobody here wrote', async () => {
    const { hub, folder } = await world();
    const server = await startForeignServer((unitId, address) => unitId * 1_000 + address);
    onTestFinished(() => server.close());
    const bus = { id: 'foreign', transport: 'tcp' as const, host: '127.0.0.1', port: server.port };
    const devices = [plainDevice('dev-1', 1), plainDevice('dev-2', 2), plainDevice('dev-3', 3)];
    const config = gatewayConfig(folder, hub, server.port, { buses: [{ ...bus, devices }] });
    const gateway = await start(config, hourAgo(20));
    await until(() => timesOf(hub, 'dev-3').length >= 30);
    await gateway.close();
    const frames = [...hub.batches.values()].flatMap(({ batch }) => batch.frames);
    for (const frame of frames.filter(({ flags }) => flags === undefined)) {
      const unitId = Number(frame.device.slice(-1));
      expect(frame.values).toEqual({ level: unitId * 1_000 });
    }
    expect(frames.filter(({ flags }) => flags === undefined).length).toBeGreaterThan(60);
  });
});

function lastBatchOf(hub: FakeHub): { epoch: string; seq: number } {
  const { epoch, seq } = [...hub.batches.values()].at(-1)!.batch;
  return { epoch: epoch!, seq: seq! };
}
