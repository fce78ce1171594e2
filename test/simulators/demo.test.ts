import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { Scenario } from '../../simulators/scenario.ts';
import type { Series } from '../../simulators/series.ts';
import { readRegistryFile } from '../../src/devices/registry-file.ts';
import { GatewayConfig } from '../../src/gateway/config.ts';
import { knownLimits } from '../../src/hub/known-limits.ts';
import type { EntityKind, EntityOf } from '../../src/model/facts.ts';
import { readYaml } from '../../src/process/config-file.ts';
import { dayOf, demoFile, demoSeries, type ExposureDay } from './exposure-by-hand.ts';

const read = readRegistryFile(demoFile('registry.yaml'), {
  nowMs: Date.UTC(2026, 10, 24),
  limitSets: knownLimits(),
});
const entities = read.ok ? read.value.entities : [];
const all = <K extends EntityKind>(kind: K): EntityOf<K>[] =>
  entities.filter(({ entity }) => entity === kind).map(({ value }) => value as EntityOf<K>);
const scenario = Scenario.parse(readYaml(demoFile('sensors.yaml')));
const gateway = GatewayConfig.parse({
  ...(readYaml(demoFile('gateway.yaml')) as object),
  mqtt: { url: 'mqtt://127.0.0.1:1883' },
  hubPublicKey: Buffer.alloc(32).toString('base64'),
  keyFile: 'key.pem',
  spoolFile: 'spool.db',
});
const units = scenario.buses.flatMap(({ bus, port, units: list }) =>
  list.map((unit) => ({ bus, port, ...unit })),
);

describe("the demo's registry", () => {
  it('has no fault', () => {
    expect(read).toMatchObject({ ok: true });
    expect(all('enterprise')).toHaveLength(2);
    expect(all('device')).toHaveLength(9);
  });

  it('is of confirmed limits only, and dust never accuses', () => {
    const table = JSON.parse(
      readFileSync(new URL('../../src/thresholds/limits/gbz-2019.json', import.meta.url), 'utf8'),
    ) as { rows: { factor: string; confirmed: boolean; force: string }[] };
    for (const { metrics } of all('device')) {
      const profile = metrics[0]!;
      const rows = table.rows.filter(({ factor }) => factor === profile.factor);
      expect(rows.length).toBeGreaterThan(0);
      for (const row of rows) expect(row).toMatchObject({ confirmed: true, force: 'MANDATORY' });
      expect(profile.specific).toBe(profile.metric !== 'dust-total');
      expect(profile.uncertainty).not.toBeNull();
    }
  });

  it('mans every post at every hour of the week, by crews of five days each', () => {
    for (const post of all('post')) {
      const crews = all('crew').filter((crew) => crew.post === post.id);
      expect(crews.reduce((sum, { workers }) => sum + workers, 0)).toBe(post.exposedWorkers);
      const manned = new Set<string>();
      for (const { shifts, daysPerWeek, basis } of crews) {
        expect(basis).toBe('SCHEDULE');
        expect(new Set(shifts.flatMap(({ days }) => days)).size).toBe(daysPerWeek);
        expect(daysPerWeek).toBe(5);
        for (const { days, start } of shifts) for (const day of days) manned.add(`${day} ${start}`);
      }
      expect(manned.size).toBe(7 * 3);
    }
  });

  it('has certificates for the years of the demo', () => {
    for (const { certificate } of all('device')) {
      expect(certificate?.fromMs).toBe(Date.parse('2026-01-01T00:00:00+08:00'));
      expect(certificate?.untilMs).toBe(Date.parse('2027-12-31T00:00:00+08:00'));
    }
  });
});

describe("the demo's gateway", () => {
  it('polls every unit of the scenario where it is, as what the registry says it is', () => {
    const polled = gateway.buses.flatMap((bus) =>
      bus.devices.map(({ device, unitId }) => ({
        bus: bus.id,
        port: bus.transport === 'rtu' ? null : bus.port,
        device,
        unitId,
      })),
    );
    expect(polled).toEqual(
      units.map(({ bus, port, device, unit }) => ({ bus, port, device, unitId: unit })),
    );
    expect(new Set(polled.map(({ device }) => device))).toEqual(
      new Set(all('device').map(({ id }) => id)),
    );
    expect(all('gateway').map(({ id, region }) => ({ id, region }))).toEqual([
      { id: gateway.gateway, region: gateway.region },
    ]);
  });

  it('decodes each register as the scenario encodes it', () => {
    for (const { device, registers } of units) {
      const config = gateway.buses.flatMap((bus) => bus.devices).find((d) => d.device === device)!;
      const profile = all('device').find(({ id }) => id === device)!.metrics[0]!;
      const [register] = registers;
      const [point] = config.points;
      expect(config.points).toHaveLength(1);
      expect(point).toMatchObject({
        metric: register!.metric,
        table: register!.table,
        address: register!.address,
        type: register!.type,
        scale: register!.scale,
        range: profile.range,
      });
      expect(profile.metric).toBe(register!.metric);
      if (register!.type === 'float32') expect(point!.order).toBe(register!.order);
      else expect(point!.sentinels).toEqual({ [String(register!.missing)]: 'D' });
    }
  });
});

/** Rows of the README's table of when each rule is certain. */
const promised = readFileSync(demoFile('README.md'), 'utf8')
  .split('\n')
  .filter((line) => /^\| \d\d:\d\d \|/.test(line))
  .map((line) => line.slice(2, -2).split(' | '));

describe("the demo's README", () => {
  it.each(promised)('is right about a start at %s', (start, stel, twa, lex, wbgt) => {
    const startS = Date.parse(`2026-11-23T${start}:00+08:00`) / 1_000;
    const series = demoSeries(startS * 1_000);
    const co = dayOf(series.get('a-co-01')!, startS, false);
    const noise = dayOf(series.get('a-noise-01')!, startS, true);
    const hot = dayOf(series.get('a-wbgt-01')!, startS, false).shifts.find(
      ({ isWhole, isHot }) => isWhole && isHot,
    );
    const hours = (atS: number): string => `${((atS - startS) / 3_600).toFixed(1)} h`;
    expect([
      `${(co.stelPassedS! - startS) / 60} min`,
      hours(co.twaPassedS!),
      hours(noise.lexPassedS!),
      hot === undefined ? '–' : hours(hot.endS),
    ]).toEqual([stel, twa, lex, wbgt]);
  });

  it('is not without rows', () => {
    expect(promised).toHaveLength(8);
  });
});

/** Monday to Sunday, at hours on both sides of every change of shift. */
const STARTS = [
  '2026-11-23T00:00:00+08:00',
  '2026-11-24T03:10:00+08:00',
  '2026-11-25T07:31:00+08:00',
  '2026-11-26T08:00:00+08:00',
  '2026-11-27T12:00:00+08:00',
  '2026-11-28T15:45:00+08:00',
  '2026-11-29T16:00:00+08:00',
  '2026-11-29T21:20:30+08:00',
];

describe.each(STARTS)('24 h of the demo from %s', (start) => {
  const startS = Date.parse(start) / 1_000;
  let series: Map<string, Series>;
  let day: (device: string, breaks: boolean) => ExposureDay;
  beforeAll(() => {
    series = demoSeries(startS * 1_000);
    day = (device, breaks) => dayOf(series.get(device)!, startS, breaks);
  });

  it('has a value of every sensor at every second, but for the hole in the heat recording', () => {
    for (const [device, valueAt] of series) {
      let missing = 0;
      for (let s = 1; s <= 86_400; s += 1) if (valueAt((startS + s) * 1_000) === null) missing += 1;
      expect(missing).toBe(device.includes('wbgt') ? 649 : 0);
    }
  });

  it('carries CO of company A over its limits within 50 minutes and 7 hours', () => {
    const co = day('a-co-01', false);
    expect(co.stelPassedS! - startS).toBeLessThanOrEqual(50 * 60);
    expect(co.twaPassedS! - startS).toBeLessThanOrEqual(7 * 3_600);
  });

  it('carries noise of company A over its limit in every shift that is whole', () => {
    const { shifts, lexPassedS } = day('a-noise-01', true);
    for (const shift of shifts.filter(({ isWhole }) => isWhole)) {
      expect(shift.lexDbA - 1.5).toBeGreaterThan(85);
    }
    expect(lexPassedS).not.toBeNull();
  });

  it('carries heat of company A over its limit in the day shift, and in no other', () => {
    for (const shift of day('a-wbgt-01', false).shifts.filter(({ isWhole }) => isWhole)) {
      expect(shift.isHot).toBe(shift.startHour === 8);
    }
  });

  it('keeps the grinding post of company A near its limits and below', () => {
    for (const shift of day('a-noise-02', true).shifts.filter(({ isWhole }) => isWhole)) {
      expect(shift.lexDbA).toBeGreaterThan(80);
      expect(shift.lexDbA + 1.5).toBeLessThan(85);
    }
    for (const shift of day('a-dust-01', true).shifts.filter(({ isWhole }) => isWhole)) {
      expect(shift.twa).toBeGreaterThan(0.5 * 8);
      expect(shift.twa * 1.3 + 0.1).toBeLessThan(8);
    }
  });

  it('keeps company B below half of every limit', () => {
    for (const shift of day('b-co-01', false).shifts) {
      expect(shift.twa).toBeLessThan(0.5 * 20);
      expect(shift.stelMax).toBeLessThan(0.5 * 30);
    }
    for (const shift of day('b-noise-01', true).shifts) expect(shift.lexDbA).toBeLessThan(75);
    for (const shift of day('b-wbgt-01', false).shifts) expect(shift.contactS).toBe(0);
    for (const shift of day('b-dust-01', true).shifts) expect(shift.twa).toBeLessThan(0.5 * 8);
  });
});
