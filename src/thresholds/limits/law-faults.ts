import type { EntityKind } from '../../model/facts.ts';
import { LimitActivation, LimitConfirmation } from '../../model/facts.ts';
import { findLimitSet, loadLimitSet } from './limit-set.ts';

/** An entity of a registry file, and where it stands there. */
interface Declared {
  readonly entity: EntityKind;
  readonly value: unknown;
  readonly path: string;
}

/**
 * Faults in what a registry says of the law: a limit set that is not known would judge nothing, and a
 * confirmation of a row that is not there would confirm nothing, both without a word.
 */
export function lawFaults(entities: readonly Declared[]): readonly string[] {
  return entities.flatMap(({ entity, value, path }) => {
    if (entity === 'limits') return activationFaults(LimitActivation.parse(value), path);
    if (entity === 'limitConfirmation') {
      return confirmationFaults(LimitConfirmation.parse(value), path);
    }
    return [];
  });
}

function activationFaults({ set }: LimitActivation, path: string): readonly string[] {
  if (findLimitSet(set) !== undefined) return [];
  const id = loadLimitSet().id;
  const found = JSON.stringify(set);
  return [`${path}: expected a known limit set, ${id} or ${id}@YYYY-MM-DD; found ${found}`];
}

function confirmationFaults(
  { row, rowValidFrom, kinds }: LimitConfirmation,
  path: string,
): readonly string[] {
  const versions = loadLimitSet().rows.filter(({ id }) => id === row);
  if (versions.length === 0) {
    return [`${path}.row: expected a row of \`wugan limits\`; found ${JSON.stringify(row)}`];
  }
  const version = versions.find(({ validFrom }) => validFrom === rowValidFrom);
  if (version === undefined) {
    const days = versions.map(({ validFrom }) => validFrom).join(' or ');
    return [`${path}.rowValidFrom: expected ${days}; found ${JSON.stringify(rowValidFrom)}`];
  }
  const has = version.limits.map(({ kind }) => kind);
  return (kinds ?? []).every((kind) => has.includes(kind))
    ? []
    : [`${path}.kinds: expected ${has.join(', ')}; found ${JSON.stringify(kinds)}`];
}
