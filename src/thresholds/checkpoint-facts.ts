import type { Fact } from '../model/facts.ts';
import { readLines, writeLines } from './checkpoint-bytes.ts';
import { addFact, type LearntFact, type RegistryHistory } from './registry-history.ts';
import type { Piece } from './snapshot.ts';

/** Facts of a piece: what was learnt never changes, so only the last piece is written again. */
const FACTS = 512;

export function* factPieces(
  history: RegistryHistory,
  ends: ((isStored: boolean) => void)[],
): Generator<Piece> {
  const { log } = history;
  const count = log.length;
  for (let from = 0; from < count; from += FACTS) {
    const until = Math.min(from + FACTS, count);
    yield {
      name: `facts/${from / FACTS}`,
      isStored: until <= history.stored,
      bytes: () => writeLines(log.slice(from, until)),
    };
  }
  ends.push((isStored) => {
    if (isStored) history.stored = count;
  });
}

export function readFacts(history: RegistryHistory, bytes: Buffer): void {
  for (const { pos, ...fact } of readLines<LearntFact>(bytes)) {
    addFact(history, pos, fact as Fact);
  }
  history.stored = history.log.length;
}
