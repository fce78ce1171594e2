/** Parts of definitions and facts that are the same for many; all are forgotten when it is full. */
export type SharedParts = Map<string, object>;

const PARTS_MAX = 4_096;

/**
 * A copy with each part that another had too replaced by that one: limits, contact, profiles and empty lists are
 * alike for whole provinces, and would be most of the engine's memory.
 */
export function shareParts<T extends object>(shared: SharedParts, whole: T): T {
  const copy = { ...whole } as Record<string, unknown>;
  for (const name in copy) {
    const part = copy[name];
    if (typeof part === 'object' && part !== null) copy[name] = share(shared, part);
  }
  return { ...whole, ...copy };
}

export function share<T extends object>(shared: SharedParts, part: T): T {
  // Definitions and facts are plain JSON: what is written alike is alike.
  const key = JSON.stringify(part);
  const known = shared.get(key);
  if (known !== undefined) return known as T;
  if (shared.size >= PARTS_MAX) shared.clear();
  shared.set(key, part);
  return part;
}
