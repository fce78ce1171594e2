import { hash } from 'node:crypto';
import { digestOf } from '../model/digest.ts';
import { MINUTE_MS } from '../model/time.ts';
import { CELL_SECONDS } from './minute-cell.ts';
import { PACKED_BYTES_MAX, packed, packStatesAndValues } from './pack-cell.ts';
import type { BarReason, InputCell, RuleInputs } from './rule-inputs.ts';

/** SHA-256 of cells, lower-case hex. */
export type CellsHash = (cells: readonly InputCell[]) => string;

/**
 * Digest of all that a rule is judged from: of the canonical JSON in which each `cells` stands as its own
 * hash. Canonical JSON of tens of thousands of numbers would cost more than judging them.
 */
export function inputHashOf(inputs: RuleInputs, hashOf: CellsHash = cellsHash): string {
  const further = inputs.further?.map((feed) => ({ ...feed, cells: hashOf(feed.cells) }));
  return digestOf({ ...inputs, cells: hashOf(inputs.cells), further });
}

/** Byte of each reason in a cell's record. */
export const BARRED_CODES: Readonly<Record<BarReason, number>> = {
  certificate: 1,
  mark: 2,
  profile: 3,
};
/** Bytes of a cell's record before the packed minute. */
export const RECORD_HEAD = 5;
export const RECORD_BYTES_MAX = RECORD_HEAD + PACKED_BYTES_MAX;

const letters = new Uint8Array(CELL_SECONDS);

/**
 * SHA-256 over one record a cell: number of the UTC minute (4 bytes), why it is barred (1 byte; 0: it is
 * not), and the minute as `pack-cell.ts` writes it, the states being the letters' codes.
 */
export const cellsHash: CellsHash = (cells) => {
  const writer = createRecordWriter();
  for (const { minuteMs, states, values, barred } of cells) {
    for (let second = 0; second < CELL_SECONDS; second++) {
      letters[second] = states.charCodeAt(second);
    }
    const length = packStatesAndValues(letters, values);
    writer.put(minuteMs / MINUTE_MS, barred, packed, 0, length);
  }
  return writer.hash();
};

/** Collects records of cells. */
export interface RecordWriter {
  /** Adds `length` bytes from `at` on; gives where in `bytes()` they went. */
  put(
    minute: number,
    barred: BarReason | undefined,
    from: Uint8Array,
    at: number,
    length: number,
  ): number;
  bytes(): Uint8Array;
  hash(): string;
}

export function createRecordWriter(): RecordWriter {
  let buffer = Buffer.allocUnsafe(1 << 15);
  let end = 0;
  return {
    put(minute, barred, from, at, length) {
      if (end + RECORD_BYTES_MAX > buffer.byteLength) {
        buffer = Buffer.concat([buffer.subarray(0, end)], buffer.byteLength * 2);
      }
      buffer.writeUInt32BE(minute, end);
      buffer[end + 4] = barred === undefined ? 0 : BARRED_CODES[barred];
      const start = end + RECORD_HEAD;
      for (let i = 0; i < length; i++) buffer[start + i] = from[at + i]!;
      end = start + length;
      return start;
    },
    bytes: () => buffer,
    hash: () => hash('sha256', buffer.subarray(0, end), 'hex'),
  };
}
