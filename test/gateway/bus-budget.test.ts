import { describe, expect, it } from 'vitest';
import {
  budgetFaults,
  budgetWarnings,
  busBudget,
  describePlan,
} from '../../src/gateway/bus-budget.ts';
import type { BusConfig } from '../../src/gateway/bus-config.ts';
import { GatewayConfig, type GatewayConfigInput } from '../../src/gateway/config.ts';
import { readCostOf } from '../../src/gateway/read-cost.ts';
import { testFolder } from './gateway-fixture.ts';

type Bus = GatewayConfigInput['buses'][number];
type Device = Bus['devices'][number];

const point = (address: number) => {
  const range: [number, number] = [0, 100];
  return { metric: `m${address}`, address, type: 'uint16' as const, range };
};

const device = (unitId: number, over: Partial<Device> = {}): Device => ({
  device: `d${unitId}`,
  unitId,
  points: [0, 1, 19, 40].map(point),
  ...over,
});

const serial = (devices: Device[]): Bus => ({
  id: 'b',
  transport: 'rtu',
  path: '/dev/ttyS1',
  parity: 'even',
  devices,
});

function parsed(bus: Bus): BusConfig {
  const folder = testFolder();
  return GatewayConfig.parse({
    gateway: 'gw',
    region: '330106',
    mqtt: { url: 'mqtt://127.0.0.1:1' },
    hubPublicKey: `${'A'.repeat(43)}=`,
    keyFile: `${folder}/key`,
    spoolFile: `${folder}/spool`,
    clock: { source: 'ntp', errMs: 10 },
    buses: [bus],
  }).buses[0]!;
}

const many = (count: number, over: Partial<Device> = {}): Device[] =>
  Array.from({ length: count }, (_, i) => device(i + 1, over));

describe('the bus budget', () => {
  it('costs a request what the line, the turnaround and the silences come to', () => {
    const bus = parsed(serial([device(1)]));
    const { requestMs, wordMs } = readCostOf(bus, bus.devices[0]!);
    // 13 characters of 1.146 ms, twice 4.01 ms of silence, 20 ms of thinking.
    expect(requestMs).toBeCloseTo(42.9, 1);
    expect(wordMs).toBeCloseTo(2.29, 2);
  });

  it('reads gaps along by cost: 17 registers on a slow line, all of them over TCP', () => {
    const on = (bus: Bus): string[] =>
      busBudget(parsed(bus)).devices[0]!.blocks.map(({ address, words }) => `${address}+${words}`);
    expect(on(serial([device(1)]))).toEqual(['0+20', '40+1']);
    const tcp: Bus = { id: 'b', transport: 'tcp', host: 'h', devices: [device(1)] };
    expect(on(tcp)).toEqual(['0+41']);
    expect(on({ ...tcp, devices: [device(1, { gapWordsMax: 0 })] })).toEqual([
      '0+2',
      '19+1',
      '40+1',
    ]);
  });

  it('adds up to the share of the time, and counts a fast poll as often as it is made', () => {
    const once = busBudget(parsed(serial([device(1)]))).share;
    expect(busBudget(parsed(serial(many(3)))).share).toBeCloseTo(3 * once, 9);
    expect(busBudget(parsed(serial(many(3, { periodMs: 10_000 })))).share).toBeCloseTo(
      0.3 * once,
      9,
    );
    const fast = device(1, { pollMs: 500, points: [point(0)] });
    const slow = device(1, { points: [point(0)] });
    const share = busBudget(parsed(serial([slow]))).share;
    expect(busBudget(parsed(serial([fast]))).share).toBeCloseTo(2 * share, 9);
  });

  it('warns above a half, refuses above seven tenths, and says how much it is', () => {
    const quiet = parsed(serial(many(3)));
    expect([...budgetFaults(quiet), ...budgetWarnings(quiet)]).toEqual([]);
    const busy = parsed(serial(many(5)));
    expect(budgetFaults(busy)).toEqual([]);
    expect(budgetWarnings(busy)).toEqual([expect.stringMatching(/^bus b needs 6\d\.\d % of its/)]);
    expect(() => parsed(serial(many(6)))).toThrow(/needs 8\d\.\d % of its time, at most 70.0 %/);
  });

  it('prints a line for the bus and one for each device', () => {
    expect(describePlan(parsed(serial(many(2))))).toEqual([
      expect.stringMatching(/^bus b \(rtu\): \d+\.\d % of its time$/),
      expect.stringMatching(
        /^ {2}d1 unit 1: holding 0–19, holding 40; \d+\.\d ms every 1000 ms, \d+\.\d %$/,
      ),
      expect.stringMatching(/^ {2}d2 unit 2: /),
    ]);
  });
});
