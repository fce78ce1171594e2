import { fail, ok, type Result } from '../../model/result.ts';
import type { Alias, SparkplugMetric } from './payload.ts';

/** A metric as a birth declared it. */
export interface DeclaredMetric {
  readonly name: string;
  readonly alias: Alias | null;
  readonly datatype: number;
}

/** What the birth of an edge node, or of one of its devices, declared. */
export interface MetricTable {
  readonly byName: ReadonlyMap<string, DeclaredMetric>;
  readonly byAlias: ReadonlyMap<Alias, DeclaredMetric>;
}

/**
 * The metrics of a birth. One without a name or data type is left out: no later message can mean it. Two
 * of one alias make the whole birth unusable, since either could be meant
 * (tck-id-payloads-alias-uniqueness).
 *
 * @param others what else is born of the same edge node
 */
export function tableOf(
  metrics: readonly SparkplugMetric[],
  others: Iterable<MetricTable>,
): Result<MetricTable, 'sparkplug-birth'> {
  const byName = new Map<string, DeclaredMetric>();
  const byAlias = new Map<Alias, DeclaredMetric>();
  const taken = [...others];
  for (const { name, alias, datatype } of metrics) {
    if (name === null || name === '' || datatype === null) continue;
    const declared = { name, alias, datatype };
    if (byName.has(name)) return fail('sparkplug-birth', `two metrics are named ${shown(name)}`);
    byName.set(name, declared);
    if (alias === null) continue;
    if (byAlias.has(alias) || taken.some((table) => table.byAlias.has(alias))) {
      return fail('sparkplug-birth', `two metrics of the edge node have the alias ${alias}`);
    }
    byAlias.set(alias, declared);
  }
  return ok({ byName, byAlias });
}

/** What a metric of a later message means; undefined: no birth declared it. */
export function declaredOf(
  { name, alias }: Pick<SparkplugMetric, 'name' | 'alias'>,
  { byName, byAlias }: MetricTable,
): DeclaredMetric | undefined {
  if (name !== null && name !== '') return byName.get(name);
  return alias === null ? undefined : byAlias.get(alias);
}

/** Whether every metric of a message means the same by both births. */
export const meanTheSame = (
  metrics: readonly SparkplugMetric[],
  before: MetricTable,
  after: MetricTable,
): boolean =>
  metrics.every((metric) => {
    const a = declaredOf(metric, before);
    const b = declaredOf(metric, after);
    return a !== undefined && a.name === b?.name && a.datatype === b.datatype;
  });

const NAME_CHARS_SHOWN = 64;
const shown = (name: string): string => JSON.stringify(name.slice(0, NAME_CHARS_SHOWN));
