import type { EntityOf } from '../model/facts.ts';
import type { Report } from './registry-checks.ts';
import type { DeclaredEntity } from './registry-file.ts';

/** Faults in how a device's values are found in the messages of its edge node. */
export function checkSparkplugDevice(
  { sparkplug, metrics }: EntityOf<'device'>,
  gateway: EntityOf<'gateway'> | undefined,
  report: Report,
): void {
  if (sparkplug === undefined) return;
  // An undeclared gateway is a fault of its own.
  if (gateway !== undefined && gateway.sparkplug === undefined) {
    report('sparkplug', 'a gateway with sparkplug', gateway.id);
  }
  const names = new Set<string>(metrics.map(({ metric }) => metric));
  const taken = new Set<string>();
  for (const [name, metric] of Object.entries(sparkplug.metrics)) {
    const where = `sparkplug.metrics.${name}`;
    if (!names.has(metric)) report(where, 'one of the metrics of the device', metric);
    if (taken.has(metric)) report(where, 'a metric that no other name has', metric);
    taken.add(metric);
  }
}

/** Paths of gateways whose edge node stands at an earlier one already. */
export function sharedEdgeNodes(entities: readonly DeclaredEntity[]): string[] {
  const seen = new Set<string>();
  return entities.flatMap((declared) => {
    const node = declared.entity === 'gateway' ? declared.value.sparkplug : undefined;
    if (node === undefined) return [];
    const key = `${node.group}/${node.edgeNode}`;
    if (seen.has(key)) return [declared.path];
    seen.add(key);
    return [];
  });
}

/** Sparkplug metrics that an earlier device of the same publisher has already. */
export function takenMetrics(
  entities: readonly DeclaredEntity[],
): { readonly path: string; readonly name: string }[] {
  const seen = new Set<string>();
  return entities.flatMap((declared) => {
    const found = declared.entity === 'device' ? declared.value.sparkplug : undefined;
    if (declared.entity !== 'device' || found === undefined) return [];
    const publisher = `${declared.value.gateway}/${found.device ?? ''}`;
    return Object.keys(found.metrics).flatMap((name) => {
      const key = `${publisher}/${name}`;
      if (seen.has(key)) return [{ path: declared.path, name }];
      seen.add(key);
      return [];
    });
  });
}
