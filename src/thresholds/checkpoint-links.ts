import { createByteReader } from './byte-writer.ts';
import { addPage, type ChainLinks } from './chain-links.ts';
import { readLines } from './checkpoint-bytes.ts';
import { columnBytes, readColumns } from './columns.ts';
import { linePieces, type Piece, pagePieces } from './snapshot.ts';

interface SavedLinks {
  readonly used: number;
  readonly free: readonly number[];
}

/** The links of all chains as they lie in memory. */
export function* linkPieces({ pages, used, free }: ChainLinks): Generator<Piece> {
  yield* linePieces('links', [{ used, free } satisfies SavedLinks]);
  yield* pagePieces('link-pages', pages, columnBytes);
}

export function readLinks(links: ChainLinks, bytes: Buffer): void {
  const { used, free } = readLines<SavedLinks>(bytes)[0]!;
  links.used = used;
  for (const id of free) links.free.push(id);
}

export function readLinkPages(links: ChainLinks, bytes: Buffer): void {
  const reader = createByteReader(bytes);
  while (!reader.isAtEnd) readColumns(reader, addPage(links));
}
