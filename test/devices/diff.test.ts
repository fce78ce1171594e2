import { describe, expect, it } from 'vitest';
import { diffRegistry } from '../../src/devices/diff.ts';
import {
  applyFact,
  emptyRegistry,
  findGateway,
  placeOfDevice,
  type RegistryState,
} from '../../src/devices/registry-state.ts';
import { type Fact, Fact as FactSchema } from '../../src/model/facts.ts';
import { DeviceId, GatewayId } from '../../src/model/ids.ts';
import { registryFacts, type SampleRegistry, sampleFile } from './registry-samples.ts';

const NOW_MS = Date.parse('2026-06-01T00:00:00Z');
const EFFECTIVE_MS = Date.parse('2026-01-01T00:00:00+08:00');

const fold = (facts: readonly Fact[], state = emptyRegistry()): RegistryState =>
  facts.reduce(applyFact, state);

/** Facts that a change of the file gives after the first import. */
const diffOf = (change: (registry: SampleRegistry) => void): Fact[] =>
  diffRegistry(fold(registryFacts()), sampleFile(change), NOW_MS);

describe('diffRegistry()', () => {
  it('gives every entity from effectiveFrom at the first import, what is referred to first', () => {
    const facts = registryFacts();
    expect(facts.map(({ entity }) => entity)).toEqual([
      'enterprise',
      'post',
      'crew',
      'crew',
      'point',
      'gateway',
      'device',
      'device',
      'device',
      'mark',
      'limits',
    ]);
    const dated = facts.filter(({ entity }) => entity !== 'mark');
    expect(new Set(dated.map(({ validFromMs }) => validFromMs))).toEqual(new Set([EFFECTIVE_MS]));
    for (const fact of facts) expect(FactSchema.safeParse(fact).success).toBe(true);
  });

  it.each([0, 1, 5, 10])('finishes a first import that was cut off after %i facts', (count) => {
    const facts = registryFacts();
    const rest = diffRegistry(fold(facts.slice(0, count)), sampleFile(), NOW_MS);
    expect(rest).toEqual(facts.slice(count));
  });

  it('finishes it from effectiveFrom also with a file that was edited since', () => {
    const state = fold(registryFacts().slice(0, 6));
    const facts = diffRegistry(
      state,
      sampleFile((r) => {
        r.crews.pop();
        r.posts[0]!.exposedWorkers = 13;
        r.devices[1]!.serial = 'B2';
      }),
      NOW_MS,
    );
    const dated = facts.filter(({ entity }) => entity !== 'mark');
    expect(new Set(dated.map(({ validFromMs }) => validFromMs))).toEqual(new Set([EFFECTIVE_MS]));
    expect(facts).toContainEqual(expect.objectContaining({ id: 'welding-night', value: null }));
  });

  it('gives nothing when the file did not change', () => {
    expect(diffOf(() => {})).toEqual([]);
  });

  it('gives nothing when the file was only reordered', () => {
    expect(diffOf((r) => r.devices.reverse())).toEqual([]);
  });

  it('dates a change to now', () => {
    const facts = diffOf((r) => (r.posts[0]!.exposedWorkers = 13));
    expect(facts).toMatchObject([
      { entity: 'post', id: 'welding', validFromMs: NOW_MS, value: { exposedWorkers: 13 } },
    ]);
  });

  it('dates a change by its own `from` when that is later than what is known', () => {
    const facts = diffOf((r) =>
      Object.assign(r.posts[0]!, { exposedWorkers: 13, from: '2026-05-01T00:00:00+08:00' }),
    );
    expect(facts).toMatchObject([{ validFromMs: Date.parse('2026-04-30T16:00:00Z') }]);
  });

  it('does not date a change back before what is known', () => {
    const facts = diffOf((r) =>
      Object.assign(r.posts[0]!, { exposedWorkers: 13, from: '2025-05-01T00:00:00+08:00' }),
    );
    expect(facts).toMatchObject([{ validFromMs: NOW_MS }]);
  });

  it('begins a new entity of a later file now', () => {
    const facts = diffOf((r) => r.points.push({ ...r.points[0]!, id: 'welding-2' }));
    expect(facts).toMatchObject([{ entity: 'point', id: 'welding-2', validFromMs: NOW_MS }]);
  });

  it('ends what was removed now, what refers first', () => {
    const facts = diffOf((r) => {
      r.devices.pop();
      r.posts[0]!.hazards.pop();
      r.crews.pop();
    });
    expect(facts.map(({ entity, id, value }) => [entity, id, value === null])).toEqual([
      ['post', 'welding', false],
      ['device', 'heat-01', true],
      ['crew', 'welding-night', true],
    ]);
    expect(new Set(facts.map(({ validFromMs }) => validFromMs))).toEqual(new Set([NOW_MS]));
  });

  it('begins an entity anew that had ended', () => {
    const state = fold(
      diffOf((r) => r.crews.pop()),
      fold(registryFacts()),
    );
    const facts = diffRegistry(state, sampleFile(), NOW_MS + 1);
    expect(facts).toMatchObject([{ id: 'welding-night', validFromMs: NOW_MS + 1 }]);
    expect(facts[0]?.value).not.toBeNull();
  });

  it('lets a corrected mark hold from the earlier of both beginnings', () => {
    const facts = diffOf((r) => (r.marks[0]!.from = '2026-03-01T09:00:00+08:00'));
    expect(facts).toMatchObject([
      {
        validFromMs: Date.parse('2026-03-01T00:00:00Z'),
        value: { fromMs: Date.parse('2026-03-01T01:00:00Z') },
      },
    ]);
  });

  it('leads to a state from which the same file gives nothing', () => {
    const change = (r: SampleRegistry): void => {
      r.crews.pop();
      r.posts[0]!.name = '焊接二岗';
      r.limits = 'gbz-2026';
    };
    const state = fold(diffOf(change), fold(registryFacts()));
    expect(diffRegistry(state, sampleFile(change), NOW_MS + 1)).toEqual([]);
  });
});

describe('registry state', () => {
  it('finds a gateway by its id', () => {
    const state = fold(registryFacts());
    expect(findGateway(state, GatewayId.parse('gw-330106-0001'))?.region).toBe('330106');
    expect(findGateway(state, GatewayId.parse('gw-330106-0002'))).toBeUndefined();
  });

  it('leads from a device to its enterprise', () => {
    const place = placeOfDevice(fold(registryFacts()), DeviceId.parse('co-01'));
    expect(place).toMatchObject({
      point: { id: 'welding-1' },
      post: { id: 'welding' },
      enterprise: { region: '330106' },
    });
  });

  it('leads nowhere from a device whose post has ended', () => {
    const end: Fact = { ...registryFacts()[1]!, entity: 'post', value: null };
    const state = fold([end], fold(registryFacts()));
    expect(placeOfDevice(state, DeviceId.parse('co-01'))).toBeUndefined();
  });
});
