import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { PassThrough, pipeline } from 'node:stream';
import { CsvError, parse } from 'csv-parse';
import { decodeStream } from 'iconv-lite';
import { ConfigError } from '../../process/config-file.ts';
import type { Row } from './row-readings.ts';

export interface NumberedRow {
  /** Line of the file, from 1. */
  readonly line: number;
  /** Null: the line is no row; `fault` says why. */
  readonly row: Row | null;
  readonly fault: string | null;
  /** Bytes of the file read so far. */
  readonly bytesRead: number;
}

export interface RowFile {
  readonly path: string;
  readonly format: 'csv' | 'ndjson';
  /** Name of the encoding, e.g. `utf8`, `gb18030`: what Chinese instruments export. */
  readonly encoding: string;
  readonly delimiter: string;
}

/** Longest line; a longer one is a fault, and with CSV ends the reading. */
const LINE_BYTES_MAX = 1_048_576;

interface ParsedRecord {
  readonly record: Row;
  readonly info: { readonly lines: number; readonly error?: { readonly message: string } };
}

/** Rows of a file, one after the other. Rejects when the file can't be read, with `ConfigError` for CSV that is none. */
export async function* readRows(file: RowFile): AsyncGenerator<NumberedRow, void, void> {
  const bytes = createReadStream(file.path);
  const decoder = decodeStream(file.encoding);
  if (file.format === 'ndjson') {
    let line = 0;
    const input = pipeline(bytes, decoder, new PassThrough(), heardByReader);
    const lines = createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY });
    for await (const content of lines) {
      line += 1;
      if (content.trim() !== '') yield { line, ...objectOf(content), bytesRead: bytes.bytesRead };
    }
    return;
  }
  const rows = pipeline(
    bytes,
    decoder,
    parse({
      columns: true,
      bom: true,
      trim: true,
      info: true,
      delimiter: file.delimiter,
      max_record_size: LINE_BYTES_MAX,
      relax_column_count: true,
      skip_empty_lines: true,
    }),
    heardByReader,
  );
  try {
    for await (const { record, info } of rows as AsyncIterable<ParsedRecord>) {
      const fault = info.error?.message ?? null;
      const row = fault === null ? record : null;
      yield { line: info.lines, row, fault, bytesRead: bytes.bytesRead };
    }
  } catch (error) {
    // From here on nobody knows where a row begins.
    if (error instanceof CsvError) throw new ConfigError(file.path, [error.message]);
    throw error;
  }
}

/** A stream that breaks destroys the last one, and whoever iterates that hears of it. */
const heardByReader = (): void => undefined;

function objectOf(content: string): Pick<NumberedRow, 'row' | 'fault'> {
  try {
    const value: unknown = JSON.parse(content);
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
    if (isObject) return { row: value as Row, fault: null };
    return { row: null, fault: 'expected a JSON object' };
  } catch (error) {
    return { row: null, fault: (error as Error).message };
  }
}
