import { readdirSync } from 'node:fs';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import type { FaultRates } from '../../simulators/modbus-faulty-slave.ts';
import { startModbusServer } from '../../simulators/modbus-server.ts';
import { type BusWorker, startBusWorker } from '../../src/gateway/bus-worker.ts';
import type { GatewayConfig, GatewayConfigInput } from '../../src/gateway/config.ts';
import { createLearnedCuts } from '../../src/gateway/learned-cuts.ts';
import type { Frame } from '../../src/model/batch.ts';
import { realClock } from '../../src/process/clock.ts';
import { createLogger } from '../../src/process/log.ts';
import { faultyLine, isUp, masterOn, readMany, registerOf, type Transport } from './faulty-line.ts';
import { gatewayConfig, testFolder } from './gateway-fixture.ts';
import { startPlainServer, startRawServer } from './modbus-servers.ts';
import { openPtyPair } from './pty-pair.ts';

type Bus = GatewayConfigInput['buses'][number];

const nobody = { port: 1, key: { publicKey: `${'A'.repeat(43)}=` } } as never;

const EVERYTHING: FaultRates = {
  late: 0.01,
  silent: 0.005,
  flip: 0.03,
  truncate: 0.01,
  garbage: 0.02,
  length: 0.01,
  exception: 0.02,
  wrongUnit: 0.02,
  twice: 0.02,
  split: 0.1,
};

function startBus(bus: Bus): { worker: BusWorker; frames: Frame[] } {
  const config: GatewayConfig = gatewayConfig(testFolder(), nobody, 1, { buses: [bus] });
  const frames: Frame[] = [];
  const worker = startBusWorker({
    bus: config.buses[0]!,
    clock: realClock,
    log: createLogger('test', 'silent'),
    emit: (frame) => frames.push(frame),
    lastAtOf: () => null,
    learned: createLearnedCuts(),
  });
  onTestFinished(worker.close);
  return { worker, frames };
}

const point = (metric: string, address: number, over: object = {}) => {
  const range: [number, number] = [0, 60_000];
  return { metric, address, type: 'uint16' as const, range, ...over };
};

describe('a line on which everything goes wrong', () => {
  for (const transport of ['mbap', 'rtu-over-tcp', 'rtu'] as Transport[]) {
    it(`gives no wrong value, hangs nowhere, and is read right at once afterwards: ${transport}`, async () => {
      const timeoutMs = 40;
      const tallies = await Promise.all(
        Array.from({ length: 16 }, async (_, seed) => {
          const faults = { ...EVERYTHING };
          const { master, slave } = await faultyLine(transport, {
            seed,
            faults,
            lateMs: [timeoutMs + 2, 2 * timeoutMs - 8],
          });
          const tally = await readMany(master, { reads: 200, seed, timeoutMs });
          for (const kind of Object.keys(EVERYTHING) as (keyof FaultRates)[]) faults[kind] = 0;
          let triesToRecover = 0;
          await vi.waitFor(
            async () => {
              triesToRecover += 1;
              const request = { unitId: 1, table: 'holding', address: 7, words: 2 } as const;
              const reply = await master.read(request, 5_000);
              expect(reply).toMatchObject({
                value: { words: [registerOf(1, 7), registerOf(1, 8)] },
              });
            },
            { timeout: 30_000, interval: 1 },
          );
          const made = Object.values(slave.counts).reduce((sum, count) => sum + count, 0);
          return { ...tally, triesToRecover, made, violations: master.counters().violations };
        }),
      );
      expect(tallies.reduce((sum, { wrong }) => sum + wrong, 0)).toBe(0);
      // On a busy machine many good replies take too long as well.
      expect(tallies.reduce((sum, { good }) => sum + good, 0)).toBeGreaterThan(200);
      for (const { made, violations, triesToRecover } of tallies) {
        expect(made).toBeGreaterThan(20);
        expect(violations).toBeGreaterThan(5);
        // A connection may have to come up again, and one more late reply may be on its way.
        expect(triesToRecover).toBeLessThan(20);
      }
    });
  }
});

describe('the same unit id on two buses', () => {
  it('is two devices: one dead leaves the other alone', async () => {
    const alive = await startPlainServer(() => 5);
    const dead = await startPlainServer(() => null);
    for (const server of [alive, dead]) onTestFinished(() => server.close());
    const busOf = (id: string, port: number): Bus => ({
      id,
      transport: 'tcp',
      host: '127.0.0.1',
      port,
      devices: [{ device: `on-${id}`, unitId: 7, timeoutMs: 100, points: [point('level', 0)] }],
    });
    const one = startBus(busOf('alive', alive.port));
    const other = startBus(busOf('dead', dead.port));
    await vi.waitFor(() => expect(other.worker.devices()[0]).toMatchObject({ state: 'DEMOTED' }), {
      timeout: 30_000,
    });
    expect(one.worker.devices()[0]).toMatchObject({
      state: 'HEALTHY',
      silentPolls: 0,
      timeouts: 0,
    });
    for (const frame of one.frames) expect(frame.values).toEqual({ level: 5 });
    for (const frame of other.frames) {
      expect(frame).toMatchObject({ values: { level: null }, flags: { level: 'B' } });
    }
  });
});

describe('a serial adapter that is pulled out and put in again 100 times', () => {
  it('is opened each time, answers, and leaves no file open', async () => {
    const pty = await openPtyPair(testFolder());
    const openFiles = (): number => readdirSync('/proc/self/fd').length;
    const master = masterOn('rtu', { path: pty.master });
    await isUp(master);
    const before = openFiles();
    for (let i = 1; i <= 100; i += 1) {
      await pty.unplug();
      await vi.waitFor(
        async () => {
          await master.read({ unitId: 1, table: 'holding', address: 0, words: 1 }, 2);
          expect(master.isUp()).toBe(false);
        },
        { timeout: 30_000, interval: 2 },
      );
      await pty.plug();
      await isUp(master);
      expect(master.counters().connects).toBe(i + 1);
    }
    expect(openFiles()).toBeLessThanOrEqual(before + 2);
  }, 60_000);
});

describe('what is not a measurement', () => {
  const CASES: Readonly<Record<string, { code?: number; words?: number[]; flag: string }>> = {
    'exception 01': { code: 0x01, flag: 'D' },
    'exception 02': { code: 0x02, flag: 'D' },
    'exception 03': { code: 0x03, flag: 'D' },
    'exception 04, device failure': { code: 0x04, flag: 'D' },
    'exception 05, acknowledge': { code: 0x05, flag: 'B' },
    'exception 06, busy': { code: 0x06, flag: 'B' },
    'exception 08, memory parity': { code: 0x08, flag: 'D' },
    'exception 0A, no path': { code: 0x0a, flag: 'B' },
    'exception 0B, no answer': { code: 0x0b, flag: 'B' },
    NaN: { words: [0x7fc0, 0], flag: 'D' },
    infinity: { words: [0x7f80, 0], flag: 'D' },
    'a sentinel': { words: [0xc61c, 0x3c00], flag: 'C' },
  };
  it('is null with a flag that says why, never 0 and never good', async () => {
    const cases = Object.values(CASES);
    const server = await startModbusServer({ host: '127.0.0.1', port: 0 }, ({ unit, count }) => {
      const { code, words = [] } = cases[unit - 1]!;
      if (code !== undefined) return code as never;
      const bytes = Buffer.alloc(count * 2);
      for (const [i, word] of words.entries()) bytes.writeUInt16BE(word, 2 * i);
      return bytes;
    });
    onTestFinished(server.close);
    const points = [
      { ...point('level', 0), type: 'float32' as const, sentinels: { '-9999': 'C' as const } },
    ];
    const { frames } = startBus({
      id: 'b',
      transport: 'tcp',
      host: '127.0.0.1',
      port: server.port,
      devices: cases.map((_, i) => ({ device: `d${i}`, unitId: i + 1, timeoutMs: 200, points })),
    });
    const found = (): Record<string, unknown> =>
      Object.fromEntries(
        Object.keys(CASES).map((name, i) => [
          name,
          frames
            .filter(({ device }) => device === `d${i}`)
            .map(({ values, flags }) => ({ values, flags })),
        ]),
      );
    await vi.waitFor(
      () => expect(Object.values(found()).every((list) => (list as []).length > 0)).toBe(true),
      { timeout: 30_000 },
    );
    for (const [name, list] of Object.entries(found())) {
      for (const frame of list as unknown[]) {
        const expected = { values: { level: null }, flags: { level: CASES[name]!.flag } };
        expect({ name, frame }).toEqual({ name, frame: expected });
      }
    }
  });

  it('says that the converter has no path, without blaming the device', async () => {
    const server = await startModbusServer({ host: '127.0.0.1', port: 0 }, () => 0x0a as never);
    onTestFinished(server.close);
    const { worker } = startBus({
      id: 'b',
      transport: 'tcp',
      host: '127.0.0.1',
      port: server.port,
      devices: [{ device: 'd', points: [point('level', 0)] }],
    });
    await vi.waitFor(() => expect(worker.status().isPathDown).toBe(true), { timeout: 30_000 });
    expect(worker.devices()[0]).toMatchObject({ state: 'HEALTHY', exceptions: { 10: 1 } });
  });
});

describe('a canary register that is not what it always is', () => {
  it('makes all readings of that poll D, and ends the connection', async () => {
    let canary = 0x5555;
    const server = await startRawServer((r, socket) =>
      socket.write(r.honest((address) => (address === 9 ? canary : 7))),
    );
    onTestFinished(server.close);
    const protocol = { canary: [{ address: 9, equals: 0x5555 }] };
    const { worker, frames } = startBus({
      id: 'b',
      transport: 'tcp',
      host: '127.0.0.1',
      port: server.port,
      reconnectMsMin: 10,
      reconnectMsMax: 20,
      devices: [{ device: 'd', protocol, points: [point('level', 0)] }],
    });
    const last = (): unknown => frames.at(-1)?.values['level' as never];
    await vi.waitFor(() => expect(last()).toBe(7), { timeout: 30_000 });
    canary = 0x1234;
    await vi.waitFor(() => expect(last()).toBe(null), { timeout: 30_000 });
    expect(frames.at(-1)?.flags).toEqual({ level: 'D' });
    canary = 0x5555;
    await vi.waitFor(() => expect(last()).toBe(7), { timeout: 30_000 });
    expect(worker.status()).toMatchObject({ violations: 1, connects: 2 });
  });
});
