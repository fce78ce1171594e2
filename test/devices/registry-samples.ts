import { diffRegistry } from '../../src/devices/diff.ts';
import type { RegistryContext } from '../../src/devices/registry-context.ts';
import { checkRegistry, type RegistryFile } from '../../src/devices/registry-file.ts';
import { emptyRegistry } from '../../src/devices/registry-state.ts';
import { knownLimits } from '../../src/hub/known-limits.ts';
import type { Fact } from '../../src/model/facts.ts';

const limitSets = knownLimits();

/** 2026-06-01, and beside the limit set of this build one that takes its place some day. */
export const registryContext: RegistryContext = {
  nowMs: Date.UTC(2026, 5, 1),
  limitSets: new Map(
    [...limitSets].flatMap(([id, factors]) => [
      [id, factors],
      ['gbz-2026', factors],
    ]),
  ),
};

/**
 * A registry without faults, as `registry.yaml` holds it; each call gives one to change at will.
 */
export const sampleRegistry = () => ({
  effectiveFrom: '2026-01-01T00:00:00+08:00',
  limits: 'gbz-2019',
  enterprises: [{ uscc: '91330106MA2CFLR43E', name: '杭州示例焊接有限公司', region: '330106' }],
  posts: [
    {
      id: 'welding',
      enterprise: '91330106MA2CFLR43E',
      name: '焊接岗',
      exposedWorkers: 12,
      labourIntensity: 'II' as string | undefined,
      hazards: [
        { factor: 'carbon-monoxide', primary: { device: 'co-01', metric: 'co' } },
        { factor: 'noise', primary: { device: 'noise-01', metric: 'laeq' } },
        { factor: 'wbgt', primary: { device: 'heat-01', metric: 'wbgt' } },
      ],
    },
  ],
  crews: [
    {
      id: 'welding-day',
      post: 'welding',
      name: '白班',
      workers: 6,
      basis: 'SCHEDULE',
      daysPerWeek: 5,
      shifts: [
        {
          name: 'day',
          days: [1, 2, 3, 4, 5],
          start: '08:00',
          end: '17:00',
          breaks: [{ from: '12:00', to: '13:00' }],
        },
      ],
    },
    {
      id: 'welding-night',
      post: 'welding',
      name: '夜班',
      workers: 6,
      basis: 'DECLARED_MINUTES',
      declaredMinutes: 240 as number | undefined,
      daysPerWeek: 5,
      shifts: [
        {
          name: 'night',
          days: [1, 2, 3, 4, 5],
          start: '22:00',
          end: '06:00',
          breaks: [{ from: '02:00', to: '02:30' }],
        },
      ],
    },
  ],
  points: [{ id: 'welding-1', post: 'welding', location: '一车间东侧' }],
  gateways: [
    {
      id: 'gw-330106-0001',
      operator: '示例园区',
      region: '330106',
      publicKey: null as string | null,
    },
  ],
  devices: [
    {
      id: 'co-01',
      point: 'welding-1',
      gateway: 'gw-330106-0001',
      model: 'CO-100',
      serial: 'A1',
      metrics: [
        {
          metric: 'co',
          factor: 'carbon-monoxide',
          unit: 'mg/m3',
          range: [0, 500],
          uncertainty: { abs: 0.5, rel: 0.05 },
          t90S: 30,
        },
      ],
      certificate: {
        number: 'JL-2026-001',
        issuer: '省计量院',
        mode: 'VERIFIED',
        from: '2026-01-01T00:00:00+08:00',
        until: '2027-01-01T00:00:00+08:00',
      },
    },
    {
      id: 'noise-01',
      point: 'welding-1',
      gateway: 'gw-330106-0001',
      model: 'NL-52',
      serial: 'B1',
      metrics: [
        {
          metric: 'laeq',
          factor: 'noise',
          unit: 'dB(A)',
          range: [30, 130],
          uncertainty: { abs: 1 },
        },
      ],
    },
    {
      id: 'heat-01',
      point: 'welding-1',
      gateway: 'gw-330106-0001',
      model: 'WBGT-3',
      serial: 'C1',
      metrics: [
        { metric: 'wbgt', factor: 'wbgt', unit: 'degC', range: [0, 80], uncertainty: { abs: 0.5 } },
      ],
    },
  ],
  marks: [
    {
      id: 'mark-1',
      device: 'co-01',
      from: '2026-03-01T08:00:00+08:00',
      to: '2026-03-01T10:00:00+08:00',
      kind: 'CALIBRATION',
      by: '张三',
    },
  ],
});
export type SampleRegistry = ReturnType<typeof sampleRegistry>;

/** The parsed file of a sample after a change. Throws on faults. */
export function sampleFile(change: (registry: SampleRegistry) => void = () => {}): RegistryFile {
  const registry = sampleRegistry();
  change(registry);
  const { faults, entities, effectiveFromMs } = checkRegistry(registry, registryContext);
  if (faults.length > 0) throw new Error(faults.join('\n'));
  return { name: 'registry.yaml', sha256: 'a'.repeat(64), effectiveFromMs, entities };
}

/** Facts of the first import of the sample. */
export const registryFacts = (): Fact[] => diffRegistry(emptyRegistry(), sampleFile(), 0);
