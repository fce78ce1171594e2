import { canonicalJson } from '../model/digest.ts';
import type { EntityKind, Fact } from '../model/facts.ts';
import type { DeclaredEntity, RegistryFile } from './registry-file.ts';
import type { KnownEntity, RegistryState } from './registry-state.ts';

/**
 * What is referred to comes before what refers to it. The limits come last of all: they are the
 * sign that the first import came to its end.
 */
const DEPENDENCY_ORDER: readonly EntityKind[] = [
  'enterprise',
  'post',
  'crew',
  'point',
  'gateway',
  'device',
  'mark',
  'limitConfirmation',
  'limits',
];

/**
 * The facts that lead from the registry as known to the registry as declared, in dependency order;
 * an unchanged file gives none. New entities hold from their own `from`, at the first import else
 * from the file's `effectiveFrom`; a changed one from its own `from` when that is later than what
 * is known, else from `nowMs`; a removed one ends at `nowMs`. A mark carries its own period and
 * holds for all of it.
 *
 * A first import that was cut off is still the first one, also with a file that was edited since:
 * nothing was judged by what it left, so what is missing or changed holds from `effectiveFrom`, and
 * what is gone never began.
 */
export function diffRegistry(current: RegistryState, file: RegistryFile, nowMs: number): Fact[] {
  const firstFromMs = current.limits.size === 0 ? file.effectiveFromMs : null;
  const source = { by: file.name, sha256: file.sha256 };
  const puts = DEPENDENCY_ORDER.flatMap((kind) =>
    file.entities
      .filter((declared) => declared.entity === kind)
      .flatMap((declared) => {
        const known = current[kind].get(declared.id);
        if (known !== undefined && sameValue(known, declared)) return [];
        return [fact(declared, validFrom(known, declared, { firstFromMs, nowMs }), source)];
      }),
  );
  return [...puts, ...removals(current, file, { firstFromMs, nowMs }, source)];
}

interface ImportTimes {
  /** From when the first import holds; null: it was finished before. */
  readonly firstFromMs: number | null;
  readonly nowMs: number;
}

const sameValue = (known: KnownEntity, declared: DeclaredEntity): boolean =>
  known.value !== null && canonicalJson(known.value) === canonicalJson(declared.value);

function validFrom(
  known: KnownEntity | undefined,
  declared: DeclaredEntity,
  { firstFromMs, nowMs }: ImportTimes,
): number {
  if (declared.entity === 'mark') {
    // A correction must reach back to where the older word of the mark began to hold.
    return Math.min(declared.value.fromMs, known?.validFromMs ?? Number.POSITIVE_INFINITY);
  }
  if (firstFromMs !== null) {
    return Math.max(declared.fromMs ?? firstFromMs, known?.validFromMs ?? 0);
  }
  if (known === undefined) return declared.fromMs ?? nowMs;
  const { fromMs } = declared;
  return fromMs !== null && fromMs > known.validFromMs ? fromMs : nowMs;
}

function removals(
  current: RegistryState,
  file: RegistryFile,
  { firstFromMs, nowMs }: ImportTimes,
  source: Fact['source'],
): Fact[] {
  const declared = new Set(file.entities.map(({ entity, id }) => `${entity}/${id}`));
  return [...DEPENDENCY_ORDER].reverse().flatMap((entity) =>
    [...(current[entity] as Map<string, KnownEntity>)]
      .filter(([id, known]) => known.value !== null && !declared.has(`${entity}/${id}`))
      .map(([id, known]): Fact => {
        const validFromMs = firstFromMs === null ? nowMs : known.validFromMs;
        return { v: 1, entity, id, validFromMs, value: null, source };
      }),
  );
}

const fact = (
  { entity, id, value }: DeclaredEntity,
  validFromMs: number,
  source: Fact['source'],
): Fact => ({ v: 1, entity, id, validFromMs, value, source }) as Fact;
