import type { EntityOf } from '../model/facts.ts';
import type { RegistryState } from './registry-state.ts';

/** A registered edge node with the devices behind it, in the order of the registry. */
export interface SparkplugNode {
  readonly gateway: EntityOf<'gateway'>;
  readonly devices: readonly EntityOf<'device'>[];
}

/** Neither has a `/`. */
export const nodeKeyOf = (group: string, edgeNode: string): string => `${group}/${edgeNode}`;

/** Edge nodes by `{group}/{edgeNode}`, as the registry knows them last. */
export function sparkplugNodes(state: RegistryState): ReadonlyMap<string, SparkplugNode> {
  const nodes = new Map<string, SparkplugNode>();
  const byGateway = new Map<string, EntityOf<'device'>[]>();
  for (const { value: gateway } of state.gateway.values()) {
    if (gateway?.sparkplug === undefined) continue;
    const { group, edgeNode } = gateway.sparkplug;
    const devices: EntityOf<'device'>[] = [];
    byGateway.set(gateway.id, devices);
    nodes.set(nodeKeyOf(group, edgeNode), { gateway, devices });
  }
  for (const { value: device } of state.device.values()) {
    if (device?.sparkplug !== undefined) byGateway.get(device.gateway)?.push(device);
  }
  return nodes;
}
