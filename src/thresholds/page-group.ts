/** Memory that a checkpoint writes as one piece, and whether it was written since it last changed. */
export interface PageGroup {
  /** Counts changes. */
  version: number;
  /** Version that a stored checkpoint holds; 0: none. */
  stored: number;
  /** A checkpoint under way still needs it as it is: copies it. Null: none does. */
  keep: (() => void) | null;
}

export const createGroup = (): PageGroup => ({ version: 1, stored: 0, keep: null });

/** To be called before each change. */
export function touch(group: PageGroup): void {
  group.version++;
  if (group.keep !== null) group.keep();
}
