import vectors from './golden-vectors.json' with { type: 'json' };
import otherVectors from './golden-vectors-other.json' with { type: 'json' };

export interface GoldenVector {
  readonly id: string;
  readonly source: string;
  readonly input: Readonly<Record<string, unknown>>;
  readonly expected: Readonly<Record<string, unknown>>;
}

/** Every worked example, with where it was read. */
export const GOLDEN_VECTORS = [...vectors, ...otherVectors] as unknown as readonly GoldenVector[];

export function goldenVector(id: string): GoldenVector {
  const found = GOLDEN_VECTORS.find((candidate) => candidate.id === id);
  if (found === undefined) throw new Error(`no vector ${id}`);
  return found;
}

/** A test's name: the example and where it was read. */
export const named = (id: string): string => `${id} (${goldenVector(id).source})`;
