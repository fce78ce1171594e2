import type { PageGroup } from './page-group.ts';

/** A part of the state, as it was when the snapshot was made. */
export interface Piece {
  /** Its kind, and which of them: `rule-pages/3`. */
  readonly name: string;
  /** Whether the last snapshot that was stored holds the same under this name. */
  readonly isStored: boolean;
  /** To be asked for at most once, and before the snapshot ends. */
  bytes(): Uint8Array;
}

/** The state at one position, piece by piece, none above some MB. */
export interface Snapshot {
  readonly pos: number;
  /**
   * Each step takes a millisecond or so. What moves with every entry is copied, so the engine must not step
   * before the last; what hardly moves is copied when it does, or when its bytes are asked for.
   */
  readonly pieces: Iterable<Piece>;
  /** Its pieces are needed no more; stored, the next snapshot builds on them. */
  end(isStored: boolean): void;
}

/** Bytes of a piece at which the next one begins: one takes about a millisecond. */
const PIECE_BYTES = 1 << 18;

export const copiedPiece = (name: string, bytes: Uint8Array): Piece => ({
  name,
  isStored: false,
  bytes: () => bytes,
});

/** What `write` copies of a group that is touched before it changes; `ends` gets what the end needs. */
export function groupPiece(
  name: string,
  group: PageGroup,
  write: () => Uint8Array,
  ends: ((isStored: boolean) => void)[],
): Piece {
  const { version } = group;
  let kept: Uint8Array | null = null;
  group.keep = () => {
    kept = write();
    group.keep = null;
  };
  ends.push((isStored) => {
    kept = null;
    group.keep = null;
    if (isStored) group.stored = version;
  });
  return {
    name,
    isStored: group.stored === version,
    bytes() {
      const bytes = kept ?? write();
      kept = null;
      group.keep = null;
      return bytes;
    },
  };
}

/** JSON lines of values, in pieces of a quarter of a MiB. */
export function* linePieces(kind: string, values: Iterable<unknown>): Generator<Piece> {
  let nth = 0;
  let text = '';
  for (const value of values) {
    text += `${JSON.stringify(value)}\n`;
    if (text.length < PIECE_BYTES) continue;
    yield copiedPiece(`${kind}/${nth++}`, Buffer.from(text));
    text = '';
  }
  if (text !== '') yield copiedPiece(`${kind}/${nth}`, Buffer.from(text));
}

/** Pages, written one after the other, as many to a piece as make a quarter of a MiB. */
export function* pagePieces<P>(
  kind: string,
  pages: Iterable<P>,
  write: (page: P) => readonly Uint8Array[],
): Generator<Piece> {
  let nth = 0;
  let parts: Uint8Array[] = [];
  let bytes = 0;
  for (const page of pages) {
    for (const part of write(page)) {
      parts.push(part);
      bytes += part.byteLength;
    }
    if (bytes < PIECE_BYTES) continue;
    yield copiedPiece(`${kind}/${nth++}`, Buffer.concat(parts, bytes));
    parts = [];
    bytes = 0;
  }
  if (bytes > 0) yield copiedPiece(`${kind}/${nth}`, Buffer.concat(parts, bytes));
}
