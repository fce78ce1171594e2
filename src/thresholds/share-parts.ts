import type { RuleDefinition } from './rule-definition.ts';

/** Parts of definitions that are the same for many channels; all are forgotten when it is full. */
export type SharedParts = Map<string, object>;

const PARTS_MAX = 4_096;

/**
 * The definition with each part that another had too replaced by that one: limits, contact, plans and
 * empty lists are alike for whole provinces, and would be most of the engine's memory.
 */
export function shareParts(shared: SharedParts, definition: RuleDefinition): RuleDefinition {
  const { subject } = definition;
  const copy: Record<string, unknown> = { ...definition };
  for (const name in copy) {
    const part = copy[name];
    if (typeof part !== 'object' || part === null || name === 'subject') continue;
    copy[name] = share(shared, part);
  }
  const shift = share(shared, subject.shift);
  return { ...definition, ...copy, subject: { ...subject, shift } };
}

function share<T extends object>(shared: SharedParts, part: T): T {
  // Definitions are plain JSON: what is written alike is alike.
  const key = JSON.stringify(part);
  const known = shared.get(key);
  if (known !== undefined) return known as T;
  if (shared.size >= PARTS_MAX) shared.clear();
  shared.set(key, part);
  return part;
}
