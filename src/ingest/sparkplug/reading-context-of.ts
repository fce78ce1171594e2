import type { SparkplugNode } from '../../devices/sparkplug-nodes.ts';
import type { SparkplugEdgeNode } from '../../model/sparkplug.ts';
import type { MetricTable } from '../../telemetry/sparkplug/metric-table.ts';
import type {
  SparkplugChannels,
  SparkplugContext,
} from '../../telemetry/sparkplug/sparkplug-context.ts';

/**
 * What messages of these publishers mean, in the form that is kept beside them: what births declared, as
 * far as the registry has channels for it. Null: for nothing.
 */
export function readingContextOf(
  { gateway, devices }: SparkplugNode,
  tables: ReadonlyMap<string | null, MetricTable>,
  content: SparkplugContext['content'],
): SparkplugContext | null {
  const { group, edgeNode, clock } = gateway.sparkplug as SparkplugEdgeNode;
  const channels = devices.flatMap((device) => {
    const table = tables.get(device.sparkplug?.device ?? null);
    const found = table === undefined ? null : channelsOf(device, table);
    return found === null ? [] : [found];
  });
  if (channels.length === 0) return null;
  const [publisher] = tables.size === 1 ? [...tables.keys()] : [];
  const source = `${group}/${edgeNode}${publisher ? `/${publisher}` : ''}`;
  return { gateway: gateway.id, clock, source, content, devices: channels };
}

function channelsOf(
  { id, sparkplug }: SparkplugNode['devices'][number],
  { byName }: MetricTable,
): SparkplugChannels | null {
  const metrics = Object.entries(sparkplug?.metrics ?? {}).flatMap(([name, metric]) => {
    const declared = byName.get(name);
    if (declared === undefined) return [];
    const alias = declared.alias === null ? null : declared.alias.toString();
    return [{ name, alias, datatype: declared.datatype, metric }];
  });
  return metrics.length === 0 ? null : { device: id, spanS: sparkplug?.spanS ?? 1, metrics };
}

/** Names of the registry that a birth of this publisher does not declare. */
export const missingFrom = (
  { devices }: SparkplugNode,
  publisher: string | null,
  { byName }: MetricTable,
): string[] =>
  devices.flatMap(({ sparkplug }) =>
    (sparkplug?.device ?? null) === publisher
      ? Object.keys(sparkplug?.metrics ?? {}).filter((name) => !byName.has(name))
      : [],
  );
