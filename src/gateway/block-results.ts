import { FAULTY, type Reading, SILENT, type SpanLookup } from './decode.ts';
import type { Canary } from './device-protocol.ts';
import type { RegisterSpan } from './point-types.ts';
import type { ReadBlock } from './poll-plan.ts';

/** What came of a block: its words, or what stands for every point in it. */
export type BlockResult = readonly number[] | Reading;

/** What was read in one poll. */
export interface BlockResults {
  put(block: ReadBlock, result: BlockResult): void;
  /** The words of a span; D when the device refused them, B when they were not read. */
  readonly lookup: SpanLookup;
  /** Registers that should always hold the same and were read as something else. */
  wrongCanary(canary: readonly Canary[]): Canary | null;
}

export function createBlockResults(): BlockResults {
  const results: { readonly block: ReadBlock; readonly result: BlockResult }[] = [];

  function lookup({ table, address, words }: RegisterSpan): readonly number[] | Reading {
    for (const { block, result } of results) {
      const offset = address - block.address;
      if (block.table !== table || offset < 0 || offset + words > block.words) continue;
      return isWords(result) ? result.slice(offset, offset + words) : result;
    }
    return SILENT;
  }

  return {
    put: (block, result) => results.push({ block, result }),
    lookup,
    wrongCanary(canary) {
      const isWrong = ({ table, address, equals }: Canary): boolean => {
        const found = lookup({ table, address, words: 1 });
        return isWords(found) && found[0] !== equals;
      };
      return canary.find(isWrong) ?? null;
    },
  };
}

const isWords = (result: BlockResult): result is readonly number[] => Array.isArray(result);

/** A refused register is a fault of the map or the device; a busy device merely did not answer. */
export const resultOfException = (meaning: string): Reading =>
  meaning === 'later' || meaning === 'path' || meaning === 'nobody' ? SILENT : FAULTY;
