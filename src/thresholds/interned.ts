/** Values by a small number each, kept as long as somebody counts on them. */
export interface Interned<T> {
  readonly values: (T | undefined)[];
  readonly counts: number[];
  readonly ids: Map<string, number>;
  readonly free: number[];
}

export const createInterned = <T>(): Interned<T> => ({
  values: [],
  counts: [],
  ids: new Map(),
  free: [],
});

/** The number of what has the key, made when it isn't there; one more counts on it. */
export function intern<T>(
  { values, counts, ids, free }: Interned<T>,
  key: string,
  make: () => T,
): number {
  const known = ids.get(key);
  if (known !== undefined) {
    counts[known]!++;
    return known;
  }
  const id = free.pop() ?? values.length;
  values[id] = make();
  counts[id] = 1;
  ids.set(key, id);
  return id;
}

/** One fewer counts on it; of the last, it is forgotten. */
export function release<T>(
  { values, counts, ids, free }: Interned<T>,
  id: number,
  keyOf: (value: T) => string,
): void {
  counts[id]!--;
  if (counts[id]! > 0) return;
  ids.delete(keyOf(values[id]!));
  values[id] = undefined;
  free.push(id);
}
