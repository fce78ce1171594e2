import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { DeviceConfig } from '../../src/gateway/bus-config.ts';
import { createFaultTime } from '../../src/gateway/fault-time.ts';
import { openLearnedCuts } from '../../src/gateway/learned-cuts.ts';
import { createUnitTiming } from '../../src/gateway/unit-timing.ts';
import { gatewayConfig, testFolder } from './gateway-fixture.ts';

describe('the time-out of a unit', () => {
  const bounds = { timeoutMsMin: 50, timeoutMsMax: 800 };

  it('is the longest allowed until a hundred replies are known', () => {
    const timing = createUnitTiming(bounds);
    for (let i = 0; i < 99; i += 1) timing.add(10);
    expect(timing.timeoutMs()).toBe(800);
    timing.add(10);
    expect(timing.timeoutMs()).toBe(50);
  });

  it('is 1.5 times what 99.9 % of the replies take, within the bounds', () => {
    const timing = createUnitTiming(bounds);
    for (let i = 0; i < 1_000; i += 1) timing.add(i % 100 === 0 ? 200 : 20);
    expect(timing.timeoutMs()).toBeGreaterThanOrEqual(300);
    expect(timing.timeoutMs()).toBeLessThan(300 * 1.1);
    for (let i = 0; i < 100; i += 1) timing.add(5_000);
    expect(timing.timeoutMs()).toBe(800);
  });

  it('forgets what was usual 4,000 replies ago', () => {
    const timing = createUnitTiming(bounds);
    for (let i = 0; i < 1_000; i += 1) timing.add(400);
    for (let i = 0; i < 4_000; i += 1) timing.add(10);
    expect(timing.timeoutMs()).toBe(50);
  });

  it('has quantiles within a tenth of the exact ones', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 0.1, max: 10_000, noNaN: true }), {
          minLength: 1,
          maxLength: 300,
        }),
        fc.double({ min: 0.01, max: 1, noNaN: true }),
        (samples, q) => {
          const timing = createUnitTiming(bounds);
          for (const ms of samples) timing.add(ms);
          const exact = samples.toSorted((a, b) => a - b)[Math.ceil(q * samples.length) - 1]!;
          expect(timing.quantile(q)!).toBeGreaterThanOrEqual(exact * 0.999);
          expect(timing.quantile(q)!).toBeLessThanOrEqual(exact * 1.1);
        },
      ),
    );
  });
});

describe('bus time for what does not answer', () => {
  it('is three seconds at once, and a tenth of all time in the long run', () => {
    let nowMs = 0;
    const time = createFaultTime(() => nowMs);
    let spentMs = 0;
    for (; nowMs < 1_000_000; nowMs += 100) {
      if (!time.isLeft()) continue;
      time.spend(800);
      spentMs += 800;
    }
    expect(spentMs).toBeLessThanOrEqual(3_000 + 0.1 * 1_000_000 + 800);
    expect(spentMs).toBeGreaterThan(0.09 * 1_000_000);
  });

  it('does not pile up over quiet days', () => {
    let nowMs = 0;
    const time = createFaultTime(() => nowMs);
    nowMs = 10 * 86_400_000;
    time.spend(3_001);
    expect(time.isLeft()).toBe(false);
    nowMs += 20;
    expect(time.isLeft()).toBe(true);
  });
});

describe('what a device refused', () => {
  const nobody = { port: 1, key: { publicKey: `${'A'.repeat(43)}=` } } as never;
  const noFault = (error: unknown): never => {
    throw error;
  };
  const deviceOf = (folder: string): DeviceConfig =>
    gatewayConfig(folder, nobody, 1).buses[0]!.devices[0]!;
  const cut = { table: 'holding' as const, at: 40 };

  it('is known after a restart, to the same map of the same device only', () => {
    const folder = testFolder();
    const file = join(folder, 'learned.json');
    const device = deviceOf(folder);
    openLearnedCuts(file, noFault).add(device, cut);
    const again = openLearnedCuts(file, noFault);
    expect(again.of(device)).toEqual([cut]);
    expect(again.of({ ...device, unitId: 9 })).toEqual([]);
    expect(again.of({ ...device, device: 'other' as never })).toEqual([]);
  });

  it('is learned anew when the file is damaged or can not be written', () => {
    const folder = testFolder();
    const file = join(folder, 'learned.json');
    writeFileSync(file, '{"dev-1": [');
    const faults: unknown[] = [];
    const learned = openLearnedCuts(file, (error) => faults.push(error));
    const device = deviceOf(folder);
    expect(learned.of(device)).toEqual([]);
    expect(faults).toHaveLength(1);
    learned.add(device, cut);
    expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject({ 'dev-1': { cuts: [cut] } });
    const nowhere = openLearnedCuts(join(folder, 'nowhere', 'learned.json'), (error) =>
      faults.push(error),
    );
    nowhere.add(device, cut);
    nowhere.add(device, { ...cut, at: 50 });
    expect(nowhere.of(device)).toHaveLength(2);
    expect(faults).toHaveLength(3);
  });
});
