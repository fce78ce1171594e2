import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { busBudget } from '../../src/gateway/bus-budget.ts';
import type { BusConfig } from '../../src/gateway/bus-config.ts';
import { GatewayConfig, type GatewayConfigInput } from '../../src/gateway/config.ts';
import { encodeRtuRead } from '../../src/gateway/modbus/rtu.ts';
import type { Frame } from '../../src/model/batch.ts';
import { MINUTE_MS, SECOND_MS } from '../../src/model/time.ts';
import { simulateTime, startSimulatedBus } from './simulated-bus.ts';

beforeEach(simulateTime);
afterEach(() => {
  vi.useRealTimers();
});

type Device = GatewayConfigInput['buses'][number]['devices'][number];

function lineOf(devices: Device[]): BusConfig & { transport: 'rtu' } {
  const [bus] = GatewayConfig.parse({
    gateway: 'gw',
    region: '330106',
    mqtt: { url: 'mqtt://127.0.0.1:1' },
    hubPublicKey: `${'A'.repeat(43)}=`,
    keyFile: 'key',
    spoolFile: 'spool',
    clock: { source: 'ntp', errMs: 10 },
    buses: [{ id: 'b', transport: 'rtu', path: '/dev/ttyS9', baudRate: 9_600, devices }],
  } satisfies GatewayConfigInput).buses;
  if (bus?.transport !== 'rtu') throw new Error('expected a serial bus');
  return bus;
}

const device = (unitId: number, periodMs: number, words = 8): Device => ({
  device: `d${unitId}`,
  unitId,
  periodMs,
  timeoutMs: 300,
  points: Array.from({ length: words }, (_, i) => ({
    metric: `m${i}`,
    address: i,
    type: 'uint16' as const,
    range: [0, 65_535] as [number, number],
  })),
});

const isGood = ({ values }: Frame): boolean =>
  Object.values(values).every((value) => value !== null);

const units = (from: number, to: number): number[] =>
  Array.from({ length: to - from + 1 }, (_, i) => from + i);

const registerOf = (unitId: number, address: number): number => unitId * 100 + address;
const always = { faults: {}, lateMs: [0, 0] as const, registerOf };

describe('31 slaves at 9,600 baud, 5 of them dead and 1 flapping', () => {
  it('gives every healthy one at least 90 % of its readings, each of its own registers', async () => {
    const bus = lineOf(units(1, 31).map((unitId) => device(unitId, 5_000)));
    expect(busBudget(bus).share).toBeGreaterThan(0.3);
    const startedMs = Date.now();
    const isAlive = (unitId: number): boolean =>
      unitId > 6 || (unitId === 6 && Math.floor((Date.now() - startedMs) / 7_000) % 2 === 0);
    const { worker, frames, framesOf } = startSimulatedBus(bus, { ...always, isAlive });
    await vi.advanceTimersByTimeAsync(20 * MINUTE_MS);
    const nominal = (20 * MINUTE_MS) / 5_000;
    for (const unitId of units(7, 31)) {
      const good = framesOf(`d${unitId}`).filter(isGood);
      expect(good.length).toBeGreaterThanOrEqual(0.9 * nominal);
    }
    for (const unitId of units(1, 5)) {
      expect(framesOf(`d${unitId}`).some(isGood)).toBe(false);
      expect(framesOf(`d${unitId}`).length).toBeGreaterThanOrEqual(0.9 * nominal);
    }
    for (const frame of frames.filter(isGood)) {
      const unitId = Number(frame.device.slice(1));
      expect(frame.values).toMatchObject({ m0: unitId * 100, m7: unitId * 100 + 7 });
    }
    for (const { device: id, at } of frames) {
      expect(at % 5_000).toBe(0);
      expect(framesOf(id).filter((frame) => frame.at === at)).toHaveLength(1);
    }
    const states = worker.devices().map(({ state }) => state);
    expect(states.slice(0, 5)).toEqual(Array(5).fill('DEMOTED'));
    await worker.close();
  });

  it('spends at most a tenth of the bus on what does not answer', async () => {
    const bus = lineOf(units(1, 10).map((unitId) => device(unitId, 1_000, 2)));
    const startedMs = Date.now();
    // Nine flap every other second, as fast as can hurt most.
    const isAlive = (unitId: number): boolean =>
      unitId === 1 || Math.floor((Date.now() - startedMs + unitId * 300) / 1_500) % 2 === 0;
    const { worker, framesOf } = startSimulatedBus(bus, { ...always, isAlive });
    await vi.advanceTimersByTimeAsync(10 * MINUTE_MS);
    const { timeouts } = worker.status();
    // Each costs its time-out and as much silence after it; three seconds may go at once.
    expect(timeouts * 600).toBeLessThan(0.1 * 10 * MINUTE_MS + 3_000 + 10 * 600);
    expect(timeouts).toBeGreaterThan(20);
    expect(framesOf('d1').filter(isGood).length).toBeGreaterThan(0.9 * 600);
    await worker.close();
  });
});

describe('a bus that is nearly full', () => {
  it('reads all of its devices at their rate, though not all at the top of the second', async () => {
    const bus = lineOf(units(1, 12).map((unitId) => device(unitId, 1_000, 4)));
    expect(busBudget(bus).share).toBeGreaterThan(0.55);
    const { worker, framesOf } = startSimulatedBus(bus, always, { thinkMs: 20 });
    await vi.advanceTimersByTimeAsync(2 * MINUTE_MS);
    for (const unitId of units(1, 12)) {
      const good = framesOf(`d${unitId}`).filter(isGood);
      expect(good.length).toBeGreaterThanOrEqual(115);
      for (const { at, readAt = at } of good)
        expect(Math.abs(readAt - at)).toBeLessThanOrEqual(500);
    }
    const skipped = worker.devices().reduce((sum, one) => sum + one.skipped, 0);
    expect(skipped).toBeLessThan(24);
    await worker.close();
  });

  it('is refused when it can not be planned', () => {
    expect(() => lineOf(units(1, 31).map((unitId) => device(unitId, 1_000)))).toThrow(
      /needs \d+\.\d % of its time, at most 70.0 % can be planned/,
    );
  });
});

describe('a busy slave', () => {
  it('is asked again later without holding the bus, and is never a value', async () => {
    const bus = lineOf([device(1, 1_000, 2), device(2, 1_000, 2)]);
    const { worker, framesOf, slave } = startSimulatedBus(bus, {
      ...always,
      faults: { exception: 0.4 },
    });
    await vi.advanceTimersByTimeAsync(2 * MINUTE_MS);
    expect(slave.counts.exception).toBeGreaterThan(50);
    for (const unitId of [1, 2]) {
      const all = framesOf(`d${unitId}`);
      expect(all.filter(isGood).length).toBeGreaterThan(80);
      for (const frame of all) {
        const readings = Object.entries(frame.values);
        for (const [metric, value] of readings) {
          if (value === null) expect(frame.flags?.[metric as never]).toMatch(/^[BD]$/);
          else expect(value).toBe(registerOf(unitId, Number(metric.slice(1))));
        }
      }
      expect(worker.devices()[unitId - 1]).toMatchObject({ state: 'HEALTHY', silentPolls: 0 });
    }
    await worker.close();
  });
});

describe('a slave that is read ten times a second', () => {
  it('gives every second one value of its ten: levels by energy, peaks by the highest', async () => {
    const point = (metric: string, address: number, over: object) => {
      const range: [number, number] = [0, 200];
      return { metric, address, type: 'uint16' as const, range, scale: 0.1, ...over };
    };
    const fast: Device = {
      device: 'd1',
      pollMs: 100,
      timeoutMs: 300,
      points: [
        point('level', 0, { unit: 'dB(A)' }),
        point('peak', 0, { unit: 'dB(C)', averaging: 'max' }),
        point('dust', 0, { unit: 'mg/m3' }),
      ],
    };
    // 90 dB for half of each second, 60 dB for the other half.
    const level = (): number => (Date.now() % 1_000 >= 500 ? 900 : 600);
    const { worker, frames } = startSimulatedBus(
      lineOf([fast]),
      { ...always, registerOf: level },
      { thinkMs: 1 },
    );
    await vi.advanceTimersByTimeAsync(30 * SECOND_MS);
    expect(frames.length).toBeGreaterThanOrEqual(28);
    const times = frames.map(({ at }) => at);
    expect(times).toEqual(times.map((_, i) => times[0]! + i * SECOND_MS));
    for (const { values, spanMs } of frames.slice(2)) {
      expect(spanMs).toBe(SECOND_MS);
      expect(values['level' as never]).toBeCloseTo(87, 0);
      expect(values['dust' as never]).toBeCloseTo(75, -1);
      expect(values['peak' as never]).toBe(90);
    }
    await worker.close();
  });
});

describe('a bus worker that is drained', () => {
  it('finishes what is due, emits it, begins nothing more, and closes', async () => {
    const bus = lineOf(units(1, 8).map((unitId) => device(unitId, 2_000, 4)));
    const { worker, frames, framesOf } = startSimulatedBus(bus, always);
    await vi.advanceTimersByTimeAsync(10_000 - 100);
    const atStart = frames.length;
    await vi.advanceTimersByTimeAsync(300);
    const drained = worker.drain();
    await vi.advanceTimersByTimeAsync(5_000);
    await drained;
    const count = frames.length;
    expect(count).toBeGreaterThan(atStart);
    const last = framesOf('d1').at(-1)!.at;
    for (const unitId of units(1, 8)) expect(framesOf(`d${unitId}`).at(-1)!.at).toBe(last);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(frames).toHaveLength(count);
  });
});

describe('a line with a second master', () => {
  it('is told of, and gives D with each value, until nothing was heard of it for ten minutes', async () => {
    const bus = lineOf([device(1, 1_000)]);
    const { worker, frames, putOnLine } = startSimulatedBus(bus, always);
    await vi.advanceTimersByTimeAsync(20 * SECOND_MS);
    expect(frames.every(isGood)).toBe(true);
    expect(worker.status().foreignMaster).toBe('none');
    const asked = encodeRtuRead({ unitId: 1, table: 'holding', address: 40, words: 8 });
    for (let i = 0; i < 3; i += 1) {
      await vi.advanceTimersByTimeAsync(3.7 * SECOND_MS);
      putOnLine(asked);
    }
    await vi.advanceTimersByTimeAsync(3 * SECOND_MS);
    expect(worker.status()).toMatchObject({ foreignMaster: 'certain', foreignRequests: 3 });
    const heard = worker.exchanges().map(({ outcome }) => outcome);
    expect(heard.join()).toContain('request of another master');
    const doubted = frames.at(-1)!;
    expect(doubted).toMatchObject({ values: { m0: 100 }, flags: { m0: 'D', m7: 'D' } });
    for (const { values } of frames.filter(isGood)) expect(values).toMatchObject({ m0: 100 });
    await vi.advanceTimersByTimeAsync(11 * MINUTE_MS);
    expect(worker.status().foreignMaster).toBe('none');
    expect(frames.at(-1)!.flags).toBeUndefined();
    await worker.close();
  });
});

describe('a device that is dead', () => {
  it('is probed for no longer than it used to take, and each fourth time as long as it may', async () => {
    const bus = lineOf([{ ...device(1, 1_000), timeoutMs: 2_000 }]);
    let isThere = true;
    const isAlive = (): boolean => isThere;
    const { worker, slave } = startSimulatedBus(bus, { ...always, isAlive });
    await vi.advanceTimersByTimeAsync(3 * MINUTE_MS);
    isThere = false;
    await vi.advanceTimersByTimeAsync(12 * MINUTE_MS);
    expect(worker.devices()[0]!.state).toBe('DEMOTED');
    const before = { timeouts: worker.status().timeouts, requests: slave.requests() };
    const startedMs = performance.now();
    await vi.advanceTimersByTimeAsync(40 * MINUTE_MS);
    const probes = slave.requests() - before.requests;
    expect(probes).toBeGreaterThanOrEqual(6);
    const waits = worker
      .exchanges()
      .filter(({ outcome }) => outcome.startsWith('timeout'))
      .map(({ outcome }) => Number(/within (\d+) ms/.exec(outcome)?.[1]));
    expect(new Set(waits.slice(-8))).toEqual(new Set([2_000, Math.min(...waits)]));
    expect(waits.slice(-8).filter((ms) => ms === 2_000)).toHaveLength(2);
    expect(Math.min(...waits)).toBeLessThan(300);
    expect(performance.now() - startedMs).toBe(40 * MINUTE_MS);
    await worker.close();
  });
});
