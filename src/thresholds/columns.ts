import type { ByteReader, ByteWriter } from './byte-writer.ts';

type Column = Uint8Array | Int32Array | Float64Array;

/** Flat arrays of a page under their names. */
export type Columns = Readonly<Record<string, Column>>;

const isColumn = (value: unknown): value is Column => ArrayBuffer.isView(value);

const bytesOf = ({ buffer, byteOffset, byteLength }: Column): Uint8Array =>
  new Uint8Array(buffer, byteOffset, byteLength);

/** Writes the arrays among an object's members, in the order of their names; as they lie in memory. */
export function writeColumns(writer: ByteWriter, page: object): void {
  for (const [, column] of columnsOf(page)) writer.raw(bytesOf(column));
}

/** Reads into the same arrays of a new page what `writeColumns` wrote. */
export function readColumns(reader: ByteReader, page: object): void {
  for (const [, column] of columnsOf(page)) bytesOf(column).set(reader.raw(column.byteLength));
}

const columnsOf = (page: object): readonly (readonly [string, Column])[] =>
  Object.entries(page)
    .filter((entry): entry is [string, Column] => isColumn(entry[1]))
    .sort(([a], [b]) => (a < b ? -1 : 1));
