import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { type BusWorker, startBusWorker } from '../../src/gateway/bus-worker.ts';
import type { GatewayConfigInput } from '../../src/gateway/config.ts';
import { createLearnedCuts } from '../../src/gateway/learned-cuts.ts';
import type { Frame } from '../../src/model/batch.ts';
import { type Clock, HOUR_MS } from '../../src/model/time.ts';
import { createLogger } from '../../src/process/log.ts';
import { freePort } from '../free-port.ts';
import { gatewayConfig, hourAgo, plainDevice, testFolder } from './gateway-fixture.ts';
import { startPlainServer, startRawServer, type TestServer } from './modbus-servers.ts';

type Device = GatewayConfigInput['buses'][number]['devices'][number];

const log = createLogger('test', 'silent');
const nobody = { port: 1, key: { publicKey: `${'A'.repeat(43)}=` } } as never;

/** A clock that waits for nobody, as the real one: slow replies make polls late. */
function unpaced(speed: number): Clock {
  const startedMs = performance.now();
  const baseMs = Date.now() - HOUR_MS;
  const now = (): number => Math.floor(baseMs + (performance.now() - startedMs) * speed);
  return {
    now,
    sleepUntil: (timeMs) =>
      new Promise((resolve) => setTimeout(resolve, Math.ceil((timeMs - now()) / speed))),
  };
}

interface Polling {
  readonly worker: BusWorker;
  readonly frames: Frame[];
  framesOf(device: string): Frame[];
}

function poll(
  port: number,
  devices: Device[],
  clock: Clock,
  lastAtOf: (device: string) => number | null = () => null,
): Polling {
  const [bus] = gatewayConfig(testFolder(), nobody, port).buses;
  const [own] = gatewayConfig(testFolder(), nobody, port, {
    buses: [{ ...bus!, devices } as GatewayConfigInput['buses'][number]],
  }).buses;
  const frames: Frame[] = [];
  const emit = (frame: Frame): number => frames.push(frame);
  const worker = startBusWorker({
    bus: own!,
    clock,
    log,
    emit,
    lastAtOf,
    learned: createLearnedCuts(),
  });
  onTestFinished(worker.close);
  const framesOf = (device: string): Frame[] => frames.filter((frame) => frame.device === device);
  return { worker, frames, framesOf };
}

async function serving(server: Promise<TestServer>): Promise<number> {
  const started = await server;
  onTestFinished(() => started.close());
  return started.port;
}

const until = (what: () => boolean): Promise<void> =>
  vi.waitFor(() => expect(what()).toBe(true), { timeout: 30_000, interval: 5 });

const isSilent = (frame: Frame): boolean =>
  Object.values(frame.values).every((value) => value === null) &&
  Object.values(frame.flags ?? {}).every((flag) => flag === 'B');

describe('a bus worker', () => {
  it('stamps whole seconds on the grid of each device, each once, in order', async () => {
    const port = await serving(startPlainServer(() => 5));
    const slow = { ...plainDevice('slow', 2), periodMs: 10_000 };
    const { framesOf } = poll(port, [plainDevice('fast', 1), slow], hourAgo(50));
    await until(() => framesOf('slow').length >= 8);
    const fast = framesOf('fast').map((frame) => frame.at);
    expect(fast).toEqual(fast.map((_, i) => fast[0]! + i * 1_000));
    for (const { at, spanMs } of framesOf('slow')) {
      expect(at % 10_000).toBe(0);
      expect(spanMs).toBe(10_000);
    }
  });

  it('gives null with B for a dead device, demotes it, and leaves the others alone', async () => {
    const port = await serving(startPlainServer((unitId) => (unitId === 3 ? null : 5)));
    const devices = [plainDevice('dead', 3), plainDevice('a', 1), plainDevice('b', 2)];
    const { worker, framesOf } = poll(port, devices, hourAgo(5));
    await until(() => framesOf('a').length >= 20);
    expect(framesOf('dead').length).toBeGreaterThanOrEqual(15);
    expect(framesOf('dead').every(isSilent)).toBe(true);
    const state = (device: string) => worker.devices().find((d) => d.device === device)!;
    expect(state('dead').state).toBe('DEMOTED');
    for (const device of ['a', 'b']) {
      expect(state(device)).toMatchObject({ state: 'HEALTHY', silentPolls: 0 });
      expect(framesOf(device).filter((frame) => !isSilent(frame)).length).toBeGreaterThan(15);
    }
    expect(worker.status().timeouts).toBeLessThan(12);
  });

  it('reads a device again as soon as a probe is answered', async () => {
    let isDead = true;
    const port = await serving(startPlainServer(() => (isDead ? null : 5)));
    const { worker, frames } = poll(port, [plainDevice('a', 1)], hourAgo(100));
    await until(() => worker.devices()[0]!.state === 'DEMOTED');
    isDead = false;
    await until(() => worker.devices()[0]!.state === 'HEALTHY');
    await until(() => frames.at(-1)!.values['level' as never] === 5);
  });

  it('gives B while nobody listens, without blaming the devices', async () => {
    const { worker, frames } = poll(await freePort(), [plainDevice('a', 1)], hourAgo(50));
    await until(() => frames.length >= 20);
    expect(frames.every(isSilent)).toBe(true);
    expect(worker.devices()[0]).toMatchObject({ state: 'HEALTHY', silentPolls: 0 });
  });

  it('polls nothing up to the last time in the spool', async () => {
    const port = await serving(startPlainServer(() => 5));
    const clock = hourAgo(50);
    const lastAtMs = Math.floor(clock.now() / 1_000) * 1_000 + 20_000;
    const { frames } = poll(port, [plainDevice('a', 1)], clock, () => lastAtMs);
    await until(() => frames.length >= 3);
    expect(frames[0]!.at).toBe(lastAtMs + 1_000);
  });

  it('skips what it can not poll in time, and queues nothing', async () => {
    const port = await serving(
      startRawServer((r, socket) => {
        setTimeout(() => socket.writable && socket.write(r.honest(() => 5)), 40);
      }),
    );
    // A reply takes 4 s of this clock.
    const device = { ...plainDevice('a', 1), periodMs: 3_000 };
    const { worker, frames } = poll(port, [device], unpaced(100));
    await until(() => frames.length >= 8);
    const times = frames.map((frame) => frame.at);
    expect(new Set(times).size).toBe(times.length);
    for (const frame of frames.filter((f) => !isSilent(f))) {
      expect(frame.at % 3_000).toBe(0);
      expect(Math.abs((frame.readAt ?? frame.at) - frame.at)).toBeLessThanOrEqual(1_500);
    }
    expect(worker.devices()[0]!.skipped).toBeGreaterThan(0);
  });

  it('keeps the true midpoint when it is more than 100 ms off the grid', async () => {
    const port = await serving(
      startRawServer((r, socket) => {
        setTimeout(() => socket.writable && socket.write(r.honest(() => 5)), 30);
      }),
    );
    const { frames } = poll(port, [{ ...plainDevice('a', 1), periodMs: 2_000 }], unpaced(20));
    await until(() => frames.filter((frame) => !isSilent(frame)).length >= 3);
    for (const frame of frames.filter((f) => !isSilent(f))) {
      expect(Math.abs(frame.readAt! - frame.at)).toBeGreaterThan(100);
      expect(Math.abs(frame.readAt! - frame.at)).toBeLessThanOrEqual(1_000);
    }
  });

  it('learns in one cycle that a device refuses the registers between its points, and loses nothing', async () => {
    const asked: string[] = [];
    const port = await serving(
      startRawServer((r, socket) => {
        asked.push(`${r.address}+${r.words}`);
        const touchesGap = r.address < 5 && r.address + r.words > 2;
        const { transaction: t, unitId } = r;
        const refusal = Buffer.from([t >>> 8, t & 0xff, 0, 0, 0, 3, unitId, 0x83, 2]);
        socket.write(touchesGap ? refusal : r.honest((address) => address));
      }),
    );
    const point = (metric: string, address: number) => {
      const range: [number, number] = [0, 100];
      return { metric, address, type: 'uint16' as const, range };
    };
    const points = [point('x', 1), point('y', 9)];
    const { frames } = poll(port, [{ device: 'a', timeoutMs: 150, points }], hourAgo(50));
    await until(() => frames.length >= 5);
    for (const frame of frames) expect(frame).toMatchObject({ values: { x: 1, y: 9 } });
    expect(frames.every((frame) => frame.flags === undefined)).toBe(true);
    expect(asked.slice(0, 5)).toEqual(['1+9', '1+1', '9+1', '1+1', '9+1']);
  });

  it('takes nothing from a device that is not what it should be, and asks who it is again', async () => {
    let model = 111;
    const port = await serving(
      startRawServer((r, socket) =>
        socket.write(r.honest((address) => (address === 90 ? model : 5))),
      ),
    );
    const protocol = { identify: [{ address: 90, equals: 277 }] };
    const { worker, frames } = poll(port, [{ ...plainDevice('a', 1), protocol }], hourAgo(50));
    await until(() => frames.length >= 5);
    for (const frame of frames) {
      expect(frame).toMatchObject({ values: { level: null }, flags: { level: 'D' } });
    }
    expect(worker.devices()[0]!.state).toBe('HEALTHY');
    model = 277;
    await until(() => frames.at(-1)!.values['level' as never] === 5);
    const asked = worker.status().requests;
    const count = frames.length;
    await until(() => frames.length >= count + 10);
    expect(worker.status().requests - asked).toBeLessThanOrEqual(frames.length - count + 1);
  });

  it('takes nothing from a device that never has time to say who it is', async () => {
    const port = await serving(
      startRawServer((r, socket) => {
        const { transaction: t, unitId } = r;
        const busy = Buffer.from([t >>> 8, t & 0xff, 0, 0, 0, 3, unitId, 0x83, 6]);
        socket.write(r.address === 90 ? busy : r.honest(() => 5));
      }),
    );
    const protocol = { identify: [{ address: 90, equals: 277 }] };
    const { frames } = poll(port, [{ ...plainDevice('a', 1), protocol }], hourAgo(50));
    await until(() => frames.length >= 5);
    expect(frames.every(isSilent)).toBe(true);
  });

  it('asks several devices at a time where all of them allow it, and never more', async () => {
    let asked: (() => void)[] = [];
    let most = 0;
    const port = await serving(
      startRawServer((r, socket) => {
        asked.push(() => socket.write(r.honest(() => r.unitId)));
        most = Math.max(most, asked.length);
        // Answers come when three are waited for, in the order that suits the server.
        if (asked.length < 3) return;
        for (const answer of asked.reverse()) answer();
        asked = [];
      }),
    );
    const device = (unitId: number) => ({
      ...plainDevice(`d${unitId}`, unitId),
      timeoutMs: 20_000,
      protocol: { maxInFlight: 3 },
    });
    const { framesOf } = poll(port, [1, 2, 3, 4, 5, 6].map(device), hourAgo(1));
    await until(() => framesOf('d6').length >= 2 && framesOf('d1').length >= 2);
    for (const unitId of [1, 2, 3, 4, 5, 6]) {
      for (const frame of framesOf(`d${unitId}`)) {
        expect(frame.values).toEqual({ level: unitId });
      }
    }
    expect(most).toBe(3);
  });

  it('flags a register that the device refuses as D and one behind a dead gateway as B', async () => {
    const port = await serving(
      startRawServer((r, socket) => {
        const { transaction: t, unitId } = r;
        const code = unitId === 1 ? 2 : 0x0b;
        socket.write(Buffer.from([t >>> 8, t & 0xff, 0, 0, 0, 3, unitId, 0x83, code]));
      }),
    );
    const { worker, framesOf } = poll(
      port,
      [plainDevice('a', 1), plainDevice('b', 2)],
      hourAgo(50),
    );
    await until(() => worker.devices()[1]!.state === 'DEMOTED');
    expect(framesOf('a').at(-1)).toMatchObject({ values: { level: null }, flags: { level: 'D' } });
    expect(framesOf('b').at(-1)).toMatchObject({ values: { level: null }, flags: { level: 'B' } });
    expect(worker.devices()[0]!.state).toBe('HEALTHY');
  });
});
