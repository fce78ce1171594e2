import type { EntityKind, EntityOf, Fact } from '../model/facts.ts';
import type { DeviceId, GatewayId } from '../model/ids.ts';

/** What is known of one entity; `value` null: it ended at `validFromMs`. */
export interface KnownEntity<K extends EntityKind = EntityKind> {
  readonly value: EntityOf<K> | null;
  readonly validFromMs: number;
}

/** The registry as the facts taken so far leave it: of each entity the fact that came last. */
export type RegistryState = { readonly [K in EntityKind]: Map<string, KnownEntity<K>> };

export const emptyRegistry = (): RegistryState => ({
  enterprise: new Map(),
  post: new Map(),
  crew: new Map(),
  point: new Map(),
  device: new Map(),
  gateway: new Map(),
  mark: new Map(),
  limits: new Map(),
  limitConfirmation: new Map(),
});

/**
 * The state after one more fact; facts come in journal order. Takes `state` over and gives it back:
 * a province has 10⁵ entities, a copy per fact would cost minutes at the start.
 */
export function applyFact(state: RegistryState, fact: Fact): RegistryState {
  const known = state[fact.entity] as Map<string, KnownEntity>;
  known.set(fact.id, { value: fact.value, validFromMs: fact.validFromMs });
  return state;
}

/** The entity as last told; undefined when it was never told or has ended. */
export const findEntity = <K extends EntityKind>(
  state: RegistryState,
  kind: K,
  id: string,
): EntityOf<K> | undefined => state[kind].get(id)?.value ?? undefined;

export const findGateway = (state: RegistryState, id: GatewayId): EntityOf<'gateway'> | undefined =>
  findEntity(state, 'gateway', id);

/** Where a device stands and whose it is. */
export interface DevicePlace {
  readonly device: EntityOf<'device'>;
  readonly point: EntityOf<'point'>;
  readonly post: EntityOf<'post'>;
  readonly enterprise: EntityOf<'enterprise'>;
}

/** device → point → post → enterprise; undefined when a link is missing or has ended. */
export function placeOfDevice(state: RegistryState, id: DeviceId): DevicePlace | undefined {
  const device = findEntity(state, 'device', id);
  const point = device && findEntity(state, 'point', device.point);
  const post = point && findEntity(state, 'post', point.post);
  const enterprise = post && findEntity(state, 'enterprise', post.enterprise);
  return device && point && post && enterprise ? { device, point, post, enterprise } : undefined;
}
