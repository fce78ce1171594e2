/** A set that keeps at least its last `sizeMax` members and at most twice as many. */
export interface RecentSet {
  has(member: string): boolean;
  add(member: string): void;
}

export function createRecentSet(sizeMax: number): RecentSet {
  let young = new Set<string>();
  let old = new Set<string>();
  return {
    has: (member) => young.has(member) || old.has(member),
    add(member) {
      young.add(member);
      if (young.size >= sizeMax) {
        old = young;
        young = new Set();
      }
    },
  };
}
