import type { ByteReader } from './byte-writer.ts';

type Column = Uint8Array | Int8Array | Uint16Array | Int32Array | Float32Array | Float64Array;

const isColumn = (value: unknown): value is Column =>
  ArrayBuffer.isView(value) && !(value instanceof DataView);

const bytesOf = ({ buffer, byteOffset, byteLength }: Column): Uint8Array =>
  new Uint8Array(buffer, byteOffset, byteLength);

/** The arrays among an object's members, in the order of their names; as they lie in memory, not copied. */
export const columnBytes = (page: object): readonly Uint8Array[] => columnsOf(page).map(bytesOf);

/** Reads into the same arrays of a new page what `columnBytes` gave. */
export function readColumns(reader: ByteReader, page: object): void {
  for (const column of columnsOf(page)) bytesOf(column).set(reader.raw(column.byteLength));
}

/** Of several that show the same memory the first. */
function columnsOf(page: object): readonly Column[] {
  const members = Object.entries(page)
    .filter((entry): entry is [string, Column] => isColumn(entry[1]))
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, column]) => column);
  return members.filter(
    (column, i) =>
      members.findIndex(
        (other) => other.buffer === column.buffer && other.byteOffset === column.byteOffset,
      ) === i,
  );
}
