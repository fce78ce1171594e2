import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { sha256Hex } from '../model/digest.ts';
import type { EntityKind, EntityOf } from '../model/facts.ts';
import { fail, ok, type Result } from '../model/result.ts';
import { DAY_MS } from '../model/time.ts';
import { ConfigError, describeIssues, readYaml } from '../process/config-file.ts';
import { checkEntities } from './registry-checks.ts';
import type { RegistryContext } from './registry-context.ts';
import { IsoInstant, LIST_NAMES, LISTS, type ListName, RegistryTop } from './registry-schema.ts';

/** The first day may be written down on its eve; a later one is a slip of the pen. */
const AHEAD_MS_MAX = DAY_MS;

/** An entity as a registry file declares it. */
export type DeclaredEntity = {
  readonly [K in EntityKind]: {
    readonly entity: K;
    readonly id: string;
    readonly value: EntityOf<K>;
    /** The entity's own `from`; null: none given. */
    readonly fromMs: number | null;
    /** Where it stands in the file, e.g. `devices.3`. */
    readonly path: string;
  };
}[EntityKind];

export interface RegistryFile {
  /** File name without folders: the `by` of the facts. */
  readonly name: string;
  readonly sha256: string;
  /** From when the first import holds. */
  readonly effectiveFromMs: number;
  readonly entities: readonly DeclaredEntity[];
}

/**
 * Reads `registry.yaml`. On failure `detail` holds every fault at once, one a line: path, what was
 * expected, what was found.
 */
export function readRegistryFile(
  path: string,
  context: RegistryContext,
): Result<RegistryFile, 'unusable'> {
  try {
    const { faults, entities, effectiveFromMs } = checkRegistry(readYaml(path), context);
    if (faults.length > 0) throw new ConfigError(path, faults);
    return ok({
      name: basename(path),
      sha256: sha256Hex(readFileSync(path)),
      effectiveFromMs,
      entities,
    });
  } catch (error) {
    if (error instanceof ConfigError) return fail('unusable', error.faults.join('\n'));
    throw error;
  }
}

/**
 * The entities of a parsed registry file and every fault in it; with faults the entities are
 * partial.
 */
export function checkRegistry(
  input: unknown,
  context: RegistryContext,
): {
  readonly faults: readonly string[];
  readonly effectiveFromMs: number;
  readonly entities: readonly DeclaredEntity[];
} {
  const top = RegistryTop.safeParse(input ?? {});
  const faults = top.success ? [] : describeIssues(top.error, input);
  const raw = (input ?? {}) as Readonly<Record<string, unknown>>;
  const lists = LIST_NAMES.map((name) => readList(name, raw[name]));
  const limits = top.success
    ? [
        {
          entity: 'limits' as const,
          id: 'limits',
          value: { id: 'limits' as const, set: top.data.limits },
          fromMs: null,
          path: 'limits',
        },
      ]
    : [];
  const entities = lists.flatMap((list) => list.entities);
  const { limitSets } = context;
  // An unknown set is a fault of its own; the factors are told in the same breath.
  const factors = limitSets.get(String(raw['limits'])) ?? [...limitSets.values()][0] ?? new Map();
  const broken = new Set(lists.flatMap((list) => list.broken));
  return {
    faults: [
      ...faults,
      ...checkTop(raw, context),
      ...lists.flatMap((list) => list.faults),
      ...checkEntities(entities, broken, factors),
    ],
    effectiveFromMs: top.success ? top.data.effectiveFrom : 0,
    entities: [...limits, ...entities],
  };
}

/** Faults of well-formed members of the top level, whatever else is wrong with it. */
function checkTop(
  raw: Readonly<Record<string, unknown>>,
  { nowMs, limitSets }: RegistryContext,
): string[] {
  const faults: string[] = [];
  const { effectiveFrom, limits } = raw;
  const fromMs = IsoInstant.safeParse(effectiveFrom);
  if (fromMs.success && fromMs.data > nowMs + AHEAD_MS_MAX) {
    const found = JSON.stringify(effectiveFrom);
    faults.push(`effectiveFrom: expected an instant that is not ahead of today; found ${found}`);
  }
  if (typeof limits === 'string' && limits !== '' && !limitSets.has(limits)) {
    const known = [...limitSets.keys()].join(', ');
    faults.push(`limits: expected a known limit set: ${known}; found ${JSON.stringify(limits)}`);
  }
  return faults;
}

/**
 * `broken`: `kind/id` of items that have faults themselves: a reference to them is not dangling.
 */
function readList(
  name: ListName,
  list: unknown,
): { faults: string[]; entities: DeclaredEntity[]; broken: string[] } {
  const { kind, key, schema } = LISTS[name];
  const faults: string[] = [];
  const entities: DeclaredEntity[] = [];
  const broken: string[] = [];
  for (const [index, item] of (Array.isArray(list) ? list : []).entries()) {
    const path = `${name}.${index}`;
    const parsed = schema.safeParse(item);
    if (parsed.success) {
      const { from = null, ...value } = parsed.data as { from?: number };
      const id = String((value as Record<string, unknown>)[key]);
      entities.push({ entity: kind, id, value, fromMs: from, path } as DeclaredEntity);
    } else {
      faults.push(
        ...describeIssues(parsed.error, item).map((fault) =>
          fault.startsWith('(top level)')
            ? `${path}${fault.slice('(top level)'.length)}`
            : `${path}.${fault}`,
        ),
      );
      broken.push(`${kind}/${(item as Record<string, unknown> | null)?.[key]}`);
    }
  }
  return { faults, entities, broken };
}
