import { describe, expect, it } from 'vitest';
import { diffRegistry } from '../../src/devices/diff.ts';
import { checkRegistry, type RegistryFile } from '../../src/devices/registry-file.ts';
import { applyFact, emptyRegistry } from '../../src/devices/registry-state.ts';
import { Fact } from '../../src/model/facts.ts';
import { registryContext, sampleRegistry } from './registry-samples.ts';

const NOW_MS = Date.parse('2026-06-01T00:00:00Z');

const CONFIRMATION = {
  id: 'benzene-2022-read',
  row: 'benzene',
  rowValidFrom: '2022-11-01',
  kinds: ['PC_TWA'],
  reference: 'GBZ 2.1-2019 amendment 1, p. 3',
  by: '王某',
};

function fileOf(extra: object): RegistryFile & { readonly faults: readonly string[] } {
  const checked = checkRegistry({ ...sampleRegistry(), ...extra }, registryContext);
  return { ...checked, name: 'registry.yaml', sha256: '0'.repeat(64) };
}

describe('confirmations of limits in the registry file', () => {
  it('may be absent', () => {
    expect(fileOf({}).faults).toEqual([]);
  });

  it('become facts with who, what and when, once', () => {
    const before = diffRegistry(emptyRegistry(), fileOf({}), NOW_MS).reduce(
      applyFact,
      emptyRegistry(),
    );
    const file = fileOf({ limitConfirmations: [CONFIRMATION] });
    expect(file.faults).toEqual([]);
    const facts = diffRegistry(before, file, NOW_MS);
    expect(facts).toEqual([
      {
        v: 1,
        entity: 'limitConfirmation',
        id: CONFIRMATION.id,
        validFromMs: NOW_MS,
        value: CONFIRMATION,
        source: { by: 'registry.yaml', sha256: '0'.repeat(64) },
      },
    ]);
    expect(Fact.safeParse(facts[0]).success).toBe(true);
    expect(diffRegistry(facts.reduce(applyFact, before), file, NOW_MS)).toEqual([]);
  });

  it('end when they are taken out again', () => {
    const file = fileOf({ limitConfirmations: [CONFIRMATION] });
    const known = diffRegistry(emptyRegistry(), file, 0).reduce(applyFact, emptyRegistry());
    expect(diffRegistry(known, fileOf({}), NOW_MS)).toMatchObject([
      { entity: 'limitConfirmation', validFromMs: NOW_MS, value: null },
    ]);
  });

  it.each([
    ['no reference', { reference: '' }],
    ['nobody', { by: undefined }],
    ['a kind that is none', { kinds: ['TWA'] }],
    ['no day', { rowValidFrom: '2022-11' }],
  ])('are refused with %s', (_, change) => {
    const [fault] = fileOf({ limitConfirmations: [{ ...CONFIRMATION, ...change }] }).faults;
    expect(fault).toMatch(/^limitConfirmations\.0\./);
  });
});

describe('the production signal of a post', () => {
  const withSignal = (device: string, metric: string) => {
    const registry = sampleRegistry();
    const production = { channel: { device, metric }, above: 0.5 };
    return fileOf({ posts: [{ ...registry.posts[0], production }] }).faults;
  };

  it('is a metric of a declared device', () => {
    expect(withSignal('co-01', 'co')).toEqual([]);
    expect(withSignal('co-01', 'rpm')).toEqual([
      'posts.0.production.channel.metric: expected a metric of co-01; found "rpm"',
    ]);
    expect(withSignal('plc-9', 'rpm')).toEqual([
      'posts.0.production.channel.device: expected the id of a declared device; found "plc-9"',
    ]);
  });
});
