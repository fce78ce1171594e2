import { describe, expect, it } from 'vitest';
import { checkEntities } from '../../src/devices/registry-checks.ts';
import type { DeclaredEntity } from '../../src/devices/registry-file.ts';
import { emptyRegistry } from '../../src/devices/registry-state.ts';
import { sparkplugNodes } from '../../src/devices/sparkplug-nodes.ts';
import { Device, Gateway } from '../../src/model/facts.ts';
import { SparkplugId } from '../../src/model/sparkplug.ts';

const gateway = (id: string, edgeNode: string | null) =>
  Gateway.parse({
    ...{ id, operator: 'o', region: '330106', publicKey: null },
    ...(edgeNode === null ? {} : { sparkplug: { group: 'Plant', edgeNode } }),
  });

const device = (id: string, of: string, metrics: object, name: string | null = 'a') =>
  Device.parse({
    ...{ id, point: 'p', gateway: of, model: 'm', serial: 's' },
    metrics: [
      { metric: 'laeq', factor: 'noise', unit: 'dB(A)', range: [0, 140] },
      { metric: 'temp', factor: 'wbgt', unit: 'degC', range: [-40, 80] },
    ],
    sparkplug: { ...(name === null ? {} : { device: name }), metrics },
  });

/** Faults of Sparkplug in a registry of these alone. */
function faultsOf(...values: (Gateway | Device)[]): string[] {
  const declared = values.map((value, i): DeclaredEntity => {
    const entity = 'metrics' in value ? 'device' : 'gateway';
    return { entity, id: value.id, value, fromMs: null, path: `${entity}s.${i}` } as DeclaredEntity;
  });
  return checkEntities(declared, new Set(), new Map()).filter((fault) => /sparkplug/.test(fault));
}

describe('an edge node in the registry', () => {
  it('is found by group and name, with the devices behind it', () => {
    const state = emptyRegistry();
    const node = gateway('gw-1', 'edge-1');
    const meter = device('noise-1', 'gw-1', { Noise: 'laeq' });
    state.gateway.set('gw-1', { value: node, validFromMs: 0 });
    state.gateway.set('gw-2', { value: gateway('gw-2', null), validFromMs: 0 });
    state.gateway.set('gw-3', { value: null, validFromMs: 0 });
    state.device.set('noise-1', { value: meter, validFromMs: 0 });
    expect([...sparkplugNodes(state)]).toEqual([
      ['Plant/edge-1', { gateway: node, devices: [meter] }],
    ]);
  });

  it('without faults has none', () => {
    const fine = [
      gateway('gw-1', 'edge-1'),
      device('d-1', 'gw-1', { Noise: 'laeq' }, 'a'),
      device('d-2', 'gw-1', { Noise: 'laeq' }, 'b'),
      device('d-3', 'gw-1', { Temp: 'temp' }, null),
    ];
    expect(faultsOf(...fine)).toEqual([]);
  });

  it('stands for one gateway', () => {
    expect(faultsOf(gateway('gw-1', 'edge-1'), gateway('gw-2', 'edge-1'))).toEqual([
      'gateways.1.sparkplug.edgeNode: expected one that no other gateway of the group has',
    ]);
  });

  it.each<[string, object, string]>([
    ['a metric that the device has not', { Noise: 'lcpeak' }, 'one of the metrics of the device'],
    ['one metric under two names', { A: 'laeq', B: 'laeq' }, 'a metric that no other name has'],
  ])('refuses %s', (_, metrics, expected) => {
    const faults = faultsOf(gateway('gw-1', 'edge-1'), device('d-1', 'gw-1', metrics));
    expect(faults).toHaveLength(1);
    expect(faults[0]).toContain(expected);
  });

  it('refuses a device behind a gateway that is no edge node', () => {
    const [fault] = faultsOf(gateway('gw-1', null), device('d-1', 'gw-1', { Noise: 'laeq' }));
    expect(fault).toContain('a gateway with sparkplug');
  });

  it('refuses one Sparkplug metric for two devices', () => {
    const devices = ['d-1', 'd-2'].map((id) => device(id, 'gw-1', { Noise: 'laeq' }));
    const [fault] = faultsOf(gateway('gw-1', 'edge-1'), ...devices);
    expect(fault).toContain('expected a metric that no other device has; found "Noise"');
  });

  it.each(['', 'a/b', 'a+', '#', 'a\u0000b', 'x'.repeat(129)])('has no name like %j', (name) => {
    expect(SparkplugId.safeParse(name).success).toBe(false);
  });

  it('may have a name in any script', () => {
    expect(SparkplugId.parse('车间 1')).toBe('车间 1');
  });
});
