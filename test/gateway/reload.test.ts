import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { type GatewayConfig, readGatewayConfig } from '../../src/gateway/config.ts';
import { type Gateway, startGateway } from '../../src/gateway/gateway.ts';
import { gridAfter, phaseOf } from '../../src/gateway/poll-grid.ts';
import { DeviceId, RegionCode } from '../../src/model/ids.ts';
import { HOUR_MS, SECOND_MS } from '../../src/model/time.ts';
import { ConfigError } from '../../src/process/config-file.ts';
import { readOrMakeKey } from '../../src/process/key-file.ts';
import { createLogger } from '../../src/process/log.ts';
import { signMessage } from '../../src/telemetry/signing.ts';
import { chainFaults, type FakeHub, startFakeHub, timesOf } from './fake-hub.ts';
import { gatewayConfig, hourAgo, plainDevice, testFolder } from './gateway-fixture.ts';
import { startPlainServer } from './modbus-servers.ts';

const log = createLogger('test', 'silent');
const until = (what: () => boolean, timeout = 30_000): Promise<void> =>
  vi.waitFor(() => expect(what()).toBe(true), { timeout, interval: 5 });

interface World {
  readonly hub: FakeHub;
  readonly gateway: Gateway;
  readonly config: GatewayConfig;
  /** Ends that long after the next whole second of the gateway's clock. */
  readonly intoSecond: (offsetMs: number) => Promise<void>;
  /** What the next reload reads. */
  next: () => GatewayConfig;
}

/**
 * A gateway with the devices dev-1 and dev-2, at six times the pace of this process: 83 ms of work too
 * late is a second lost.
 */
async function world(): Promise<World> {
  const hub = await startFakeHub();
  onTestFinished(() => hub.close());
  const server = await startPlainServer((unitId) => 700 + unitId);
  onTestFinished(() => server.close());
  const bus = { id: 'b', transport: 'tcp' as const, host: '127.0.0.1', port: server.port };
  const devices = [plainDevice('dev-1', 1), plainDevice('dev-2', 2)];
  const config = gatewayConfig(testFolder(), hub, server.port, { buses: [{ ...bus, devices }] });
  const clock = hourAgo(6);
  const intoSecond = async (offsetMs: number): Promise<void> => {
    const task = new AbortController();
    await clock.sleepUntil(gridAfter(clock.now(), SECOND_MS) + offsetMs, task.signal);
    task.abort();
  };
  const own = { hub, config, intoSecond, next: () => config };
  const readConfig = (): GatewayConfig => made.next();
  const gateway = await startGateway(config, { clock, log, readConfig });
  onTestFinished(() => gateway.close());
  const made = Object.assign(own, { gateway });
  return made;
}

/** The same settings, with another range of the first device. */
function withRange(config: GatewayConfig, top: number): GatewayConfig {
  const [bus] = config.buses;
  const [first, ...rest] = bus!.devices;
  const [point] = first!.points;
  const changed = { ...first!, points: [{ ...point!, range: [0, top] as [number, number] }] };
  return { ...config, buses: [{ ...bus!, devices: [changed, ...rest] }] };
}

function expectEverySecond(hub: FakeHub, device: string): void {
  const times = timesOf(hub, device);
  expect(times).toEqual(times.map((_, i) => times[0]! + i * 1_000));
}

const framesOf = (hub: FakeHub) => [...hub.batches.values()].flatMap(({ batch }) => batch.frames);

describe('a reload', () => {
  it('goes over to another plan ten times without leaving out a second', async () => {
    const w = await world();
    await until(() => w.hub.batches.size >= 3);
    // Before the poll of a second that has begun, while it is polled, and long after it.
    const phasesMs = ['dev-1', 'dev-2'].map((device) => phaseOf(device, SECOND_MS));
    const offsets = [1, ...phasesMs, ...phasesMs.map((ms) => ms + 1), 200, 500, 700, 900, 999];
    for (const [i, offsetMs] of offsets.entries()) {
      await w.intoSecond(offsetMs);
      w.next = () => withRange(w.config, 50_000 + i);
      expect(await w.gateway.reload()).toMatchObject({ ok: true, value: { started: ['b'] } });
    }
    await until(() => w.gateway.status().spool.items === 0);
    await w.gateway.close();
    expect(timesOf(w.hub, 'dev-1').length).toBeGreaterThan(offsets.length);
    for (const device of ['dev-1', 'dev-2']) expectEverySecond(w.hub, device);
    expect(framesOf(w.hub).filter(({ flags }) => flags !== undefined)).toEqual([]);
    expect(chainFaults(w.hub, readOrMakeKey(w.config.keyFile).publicKey)).toEqual([]);
  });

  it('follows the new plan from the next second on: flags, template in meta, new devices', async () => {
    const w = await world();
    await until(() => w.hub.batches.size >= 3);
    const narrow = withRange(w.config, 500);
    const [bus] = narrow.buses;
    const third = { ...bus!.devices[1]!, device: DeviceId.parse('dev-3'), unitId: 3 };
    const devices = [...bus!.devices, third].map((one) => ({ ...one, template: 'x@2#00' }));
    w.next = () => ({ ...narrow, buses: [{ ...bus!, devices }] });
    await w.gateway.reload();
    await until(() => timesOf(w.hub, 'dev-3').length >= 3);
    await w.gateway.close();
    const metas = [...w.hub.batches.values()].map(({ batch }) => batch.meta?.template);
    const at = metas.indexOf('x@2#00');
    expect(at).toBeGreaterThanOrEqual(3);
    expect(metas).toEqual(metas.map((_, i) => (i < at ? undefined : 'x@2#00')));
    const flagged = framesOf(w.hub).filter(({ flags }) => flags !== undefined);
    expect(new Set(flagged.map(({ device }) => device))).toEqual(new Set(['dev-1']));
    for (const device of ['dev-1', 'dev-2', 'dev-3']) expectEverySecond(w.hub, device);
  });

  it('lets a bus that did not change run on, with its connection', async () => {
    const w = await world();
    await until(() => w.hub.batches.size >= 3);
    const { connects } = w.gateway.status().buses[0]!;
    w.next = () => ({ ...w.config, backfillPerSecond: 7 });
    expect(await w.gateway.reload()).toMatchObject({
      ok: true,
      value: { kept: ['b'], stopped: [], started: [] },
    });
    const seen = w.hub.batches.size;
    await until(() => w.hub.batches.size >= seen + 3);
    expect(w.gateway.status().buses[0]!.connects).toBe(connects);
  });

  it('is refused whole with a fault or with what needs a restart, and the old plan goes on', async () => {
    const w = await world();
    await until(() => w.hub.batches.size >= 3);
    w.next = () => {
      throw new ConfigError('gateway.yaml', ['buses.0.id: expected string; found nothing']);
    };
    const faulty = await w.gateway.reload();
    expect(faulty).toMatchObject({ ok: false, reason: 'faulty' });
    expect(!faulty.ok && faulty.detail).toContain('buses.0.id: expected string');
    w.next = () => ({ ...withRange(w.config, 1), region: RegionCode.parse('110000') });
    expect(await w.gateway.reload()).toEqual({
      ok: false,
      reason: 'needs-restart',
      detail: 'region: differs from what runs; restart the gateway to change it',
    });
    const seen = w.hub.batches.size;
    await until(() => w.hub.batches.size >= seen + 5);
    await w.gateway.close();
    for (const device of ['dev-1', 'dev-2']) expectEverySecond(w.hub, device);
    expect(framesOf(w.hub).filter(({ flags }) => flags !== undefined)).toEqual([]);
  });

  it('comes with SIGHUP, from the file as it is then; a faulty file changes nothing', async () => {
    const server = await startPlainServer((unitId) => 700 + unitId);
    onTestFinished(() => server.close());
    const hub = await startFakeHub();
    onTestFinished(() => hub.close());
    const folder = testFolder();
    const file = join(folder, 'gateway.json');
    const config = gatewayConfig(folder, hub, server.port, { clock: { source: 'ntp', errMs: 9 } });
    writeFileSync(file, JSON.stringify(config));
    const main = new URL('../../cli/main.ts', import.meta.url).pathname;
    const stdio = ['ignore', 'pipe', 'inherit'] as const;
    const child = spawn(process.execPath, [main, 'gateway', '-c', file], { stdio: [...stdio] });
    onTestFinished(() => void child.kill('SIGKILL'));
    let out = '';
    child.stdout.on('data', (chunk: Buffer) => {
      out += chunk.toString();
    });
    await until(() => hub.batches.size >= 1);
    writeFileSync(file, '{ "gateway": 5');
    child.kill('SIGHUP');
    await until(() => out.includes('not reloaded: Cannot use'));
    writeFileSync(file, JSON.stringify(withRange(config, 5)));
    expect(readGatewayConfig(file).buses[0]!.devices[0]!.points[0]!.range).toEqual([0, 5]);
    child.kill('SIGHUP');
    await until(() => /^reloaded$/m.test(out));
    await until(() => framesOf(hub).some(({ flags }) => flags !== undefined));
    const exited = once(child, 'exit');
    child.kill('SIGTERM');
    expect(await exited).toEqual([0, null]);
  });
});

describe('a command of the hub', () => {
  const command = (hub: FakeHub, what: string, at: number, more: object = {}): void =>
    hub.publish(
      'command',
      JSON.stringify(
        signMessage({ v: 1, gateway: 'gw-test', at, command: what, ...more }, hub.key),
      ),
    );
  /** Results in the statuses that came, in order. */
  const resultsOf = (hub: FakeHub) =>
    hub.received
      .filter(({ channel }) => channel === 'status')
      .flatMap(({ payload }) => JSON.parse(payload.toString()).lastCommand ?? []);
  const resultAt = async (hub: FakeHub, at: number) => {
    await until(() => resultsOf(hub).some((result) => result.at === at));
    return resultsOf(hub).find((result) => result.at === at);
  };

  it('reloads, once for each: a copy of a command, or an older one, is refused', async () => {
    const w = await world();
    await until(() => w.hub.batches.size >= 3);
    w.next = () => withRange(w.config, 500);
    command(w.hub, 'reload', 1_000);
    expect(await resultAt(w.hub, 1_000)).toMatchObject({
      command: 'reload',
      result: { ok: true, value: { started: ['b'] } },
    });
    w.next = () => withRange(w.config, 60_000);
    command(w.hub, 'reload', 1_000);
    command(w.hub, 'reload', 999);
    await until(() => w.gateway.status().mqtt.refusedMessages === 2);
    const seen = w.hub.batches.size;
    await until(() => w.hub.batches.size >= seen + 3);
    expect(framesOf(w.hub).at(-2)!.flags).toEqual({ level: 'D' });
  });

  it('tells its clock and what is wrong with it', async () => {
    const w = await world();
    await until(() => w.hub.batches.size >= 3);
    command(w.hub, 'time', 1_000);
    const { result: time } = await resultAt(w.hub, 1_000);
    expect(time.clock).toEqual({ source: 'virtual', errMs: 10, offsetMs: 0 });
    expect(Math.abs(time.nowMs - (Date.now() - HOUR_MS))).toBeLessThan(HOUR_MS);
    await until(() => w.gateway.status().mqtt.lastAckAtMs !== null);
    command(w.hub, 'self-test', 2_000);
    expect(await resultAt(w.hub, 2_000)).toMatchObject({ result: { ok: true, faults: [] } });
  });

  it('sends a range again at once, as far as it is still held', async () => {
    const w = await world();
    await until(() => w.hub.batches.size >= 10 && w.gateway.status().spool.items < 5);
    w.hub.acks = false;
    const seq = w.gateway.status().seq + 3;
    const { epoch } = w.gateway.status();
    await until(() => w.hub.batches.has(`${epoch}/${seq + 5}`));
    const copies = () =>
      w.hub.received.filter(({ payload }) => payload.includes(`"seq":${seq},`)).length;
    expect(copies()).toBe(1);
    command(w.hub, 'resend', 1_000, { epoch, from: 1, to: seq });
    const { result } = await resultAt(w.hub, 1_000);
    expect(result.asked).toBe(seq);
    expect(result.held).toBeLessThan(seq);
    await until(() => copies() === 2);
  });
});
