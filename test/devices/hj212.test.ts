import { describe, expect, it } from 'vitest';
import { diffRegistry } from '../../src/devices/diff.ts';
import { hj212Loggers } from '../../src/devices/hj212-stations.ts';
import { checkRegistry } from '../../src/devices/registry-file.ts';
import { applyFact, emptyRegistry } from '../../src/devices/registry-state.ts';
import { readingContextOf } from '../../src/ingest/hj212/reading-context-of.ts';
import { registryContext, sampleRegistry } from './registry-samples.ts';

interface Logger {
  readonly id?: string;
  readonly station?: object;
}

/** The sample with a data logger, and a dust meter behind it. */
function withLogger(
  hj212: object = {},
  { id = 'logger-1', station = {} }: Logger = {},
  metrics?: string[],
) {
  const registry = sampleRegistry();
  const [gateway] = registry.gateways;
  const names = metrics ?? ['dust', 'dust-minute'];
  const gateways = [
    ...registry.gateways,
    {
      ...{ ...gateway!, id, publicKey: null },
      hj212: { mn: 'MN-1', minuteIntervalMin: 10, ...station },
    },
  ];
  const device = {
    ...{ id: 'dust-9', point: 'welding-1', gateway: 'logger-1', model: 'm', serial: 's' },
    metrics: names.map((metric) => ({
      ...{ metric, factor: 'other-dust-total', unit: 'ug/m3', range: [0, 30_000] },
    })),
    hj212: { codes: { a34001: 'dust' }, ...hj212 },
  };
  return { ...registry, gateways, devices: [...registry.devices, device] };
}

const faultsOf = (registry: object): readonly string[] =>
  checkRegistry(registry, registryContext).faults;

function diffFacts(registry: object) {
  const { faults, entities, effectiveFromMs } = checkRegistry(registry, registryContext);
  expect(faults).toEqual([]);
  return diffRegistry(
    emptyRegistry(),
    { name: 'registry.yaml', sha256: 'a'.repeat(64), effectiveFromMs, entities },
    0,
  );
}

describe('a data logger in registry.yaml', () => {
  it('is taken, also with readings in micrograms', () => {
    expect(faultsOf(withLogger())).toEqual([]);
  });

  it.each([
    [
      'a metric that the device lacks',
      withLogger({ codes: { a34001: 'noise' } }),
      /codes\.a34001: expected one of noise, noise-minute, noise-hour/,
    ],
    [
      'two codes of one metric',
      withLogger({ codes: { a34001: 'dust', a34002: 'dust' } }),
      /codes\.a34002: expected a metric that no other code has/,
    ],
    [
      'minute data of an unknown interval',
      withLogger({}, { station: { minuteIntervalMin: undefined } }),
      /expected minuteIntervalMin of gateway logger-1/,
    ],
    [
      'an interval that the standard lacks',
      withLogger({}, { station: { minuteIntervalMin: 7 } }),
      /gateways\.1\.hj212\.minuteIntervalMin/,
    ],
    [
      'a deviation that nobody knows',
      withLogger({}, { station: { deviations: ['crc'] } }),
      /gateways\.1\.hj212\.deviations/,
    ],
    [
      'an address that is none',
      withLogger({}, { station: { addresses: ['10.1'] } }),
      /expected an IP address or a network/,
    ],
  ])('is refused with %s', (_name, registry, expected) => {
    expect(faultsOf(registry).join('\n')).toMatch(expected);
  });

  it('is refused with the MN of another, and with a device behind a gateway of ours', () => {
    const registry = withLogger();
    const second = { ...registry.gateways[1]!, id: 'logger-2' };
    expect(faultsOf({ ...registry, gateways: [...registry.gateways, second] })).toEqual([
      'gateways.2.hj212.mn: expected an MN that no other gateway has',
    ]);
    const ours = registry.devices.map((device) =>
      'hj212' in device ? { ...device, gateway: 'gw-330106-0001' } : device,
    );
    expect(faultsOf({ ...registry, devices: ours }).join()).toContain('a gateway with hj212');
  });
});

describe('hj212Loggers()', () => {
  const loggersOf = (registry: object) =>
    hj212Loggers(diffFacts(registry).reduce(applyFact, emptyRegistry()));

  it('finds devices by the MN of their gateway, with the channels that they have', () => {
    const logger = loggersOf(withLogger({ realtimeSpanS: 30 })).get('MN-1');
    expect(readingContextOf(logger!)).toEqual({
      ...{ gateway: 'logger-1', edition: 2017, deviations: [], minuteIntervalMin: 10 },
      ...{ sentinels: [], clock: { source: 'free', errMs: 0 } },
      devices: [
        {
          ...{ device: 'dust-9', st: null, realtimeSpanS: 30 },
          channels: { a34001: { realtime: 'dust', minute: 'dust-minute', hour: null } },
        },
      ],
    });
  });

  it('forgets what has ended', () => {
    const facts = diffFacts(withLogger());
    const ended = facts.map((fact) => (fact.id === 'logger-1' ? { ...fact, value: null } : fact));
    expect(hj212Loggers(ended.reduce(applyFact, emptyRegistry())).size).toBe(0);
  });
});
