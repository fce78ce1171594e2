/**
 * Which seqs of an epoch are settled: 1 … `durable`, and ranges above it, inclusive, ascending, never
 * adjacent. Mutable: the writer owns it.
 */
export interface SeqSet {
  durable: number;
  stored: [number, number][];
}

export function hasSeq(set: SeqSet, seq: number): boolean {
  if (seq <= set.durable) return true;
  return set.stored.some(([from, to]) => seq >= from && seq <= to);
}

/** Whether every seq from `from` to `to` is settled. */
export function hasRange(set: SeqSet, from: number, to: number): boolean {
  if (to <= set.durable) return true;
  const start = Math.max(from, set.durable + 1);
  return set.stored.some(([a, b]) => start >= a && to <= b);
}

/** Settles `from` … `to`; what touches is joined, and what joins `durable` goes into it. */
export function addRange(set: SeqSet, from: number, to: number): void {
  if (to <= set.durable) return;
  if (from > set.durable + 1) {
    set.stored = withRange(set.stored, from, to);
    return;
  }
  set.durable = to;
  let joined = 0;
  for (const [a, b] of set.stored) {
    if (a > set.durable + 1) break;
    set.durable = Math.max(set.durable, b);
    joined += 1;
  }
  if (joined > 0) set.stored = set.stored.slice(joined);
}

function withRange(
  ranges: readonly [number, number][],
  from: number,
  to: number,
): [number, number][] {
  const before = ranges.filter(([, b]) => b < from - 1);
  const after = ranges.filter(([a]) => a > to + 1);
  const touching = ranges.slice(before.length, ranges.length - after.length);
  const joined: [number, number] = [
    Math.min(from, touching[0]?.[0] ?? from),
    Math.max(to, touching.at(-1)?.[1] ?? to),
  ];
  return [...before, joined, ...after];
}
