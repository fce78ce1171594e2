import { type CellsHash, cellsHash } from './input-hash.ts';
import type { HashedCells } from './read-input-cells.ts';
import type { InputCell } from './rule-inputs.ts';

/**
 * The cells last read, for the next rule that reads the same, and hashes of cells that are still held.
 * No part of a result hangs on it.
 */
export interface CellsMemo {
  /** The cells under a key, read by `read` unless they were the last. */
  cells(key: string, read: () => HashedCells): readonly InputCell[];
  /** `cellsHash`, known without work for what `cells` gave. */
  readonly hashOf: CellsHash;
}

export function createCellsMemo(): CellsMemo {
  const hashes = new WeakMap<readonly InputCell[], string>();
  let last: { readonly key: string; readonly cells: readonly InputCell[] } | undefined;
  return {
    cells(key, read) {
      if (last?.key === key) return last.cells;
      const { cells, hash } = read();
      hashes.set(cells, hash);
      last = { key, cells };
      return cells;
    },
    hashOf: (cells) => hashes.get(cells) ?? cellsHash(cells),
  };
}
