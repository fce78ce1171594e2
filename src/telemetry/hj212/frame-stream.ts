import { matchCrc } from './match-crc.ts';

/** What a stream holds: frames, from `##` to the line's end, and what is none. */
export interface StreamPiece {
  readonly kind: 'frame' | 'noise';
  readonly raw: Buffer;
}

export interface FrameStream {
  /** Takes the next bytes of the connection; gives what is complete with them. */
  push(bytes: Uint8Array): StreamPiece[];
  /** Gives what is left when nothing more comes: the connection ended, or is silent. */
  flush(): StreamPiece[];
  /** Bytes that wait for what completes them. */
  waiting(): number;
}

/** The length field has four digits; the standard's own bound is 1,024. */
export const SEGMENT_BYTES_MAX = 8_192;
/** `##` and four digits. */
const HEAD_BYTES = 6;
const CRC_BYTES = 4;
/** No frame is longer: bytes behind a start without an end that reach this are no frame. */
const WINDOW_BYTES = HEAD_BYTES + SEGMENT_BYTES_MAX + CRC_BYTES + 2;
/** Noise is handed out in pieces of this size at most. */
const NOISE_BYTES_MAX = 1_024;
/** Starts inside a frame that fits its length but not its CRC are tried this often. */
const INNER_TRIES_MAX = 8;

const LF = 0x0a;
const CR = 0x0d;
const AMPERSAND = 0x26;

/** Where a frame or noise ends; `wait`: more bytes may come that decide. */
type Cut = { readonly kind: 'frame' | 'noise'; readonly end: number } | 'wait';

/**
 * Finds frames in the bytes of a connection, however they were cut on the way. A frame ends where its
 * length says if `&&`, a CRC and the line's end stand there; else at the line's end, whatever the
 * length says; the reader judges it then. After a start that leads nowhere the search goes on behind
 * it, never behind its length: a damaged frame takes none with it.
 */
export function createFrameStream(): FrameStream {
  let buffer = Buffer.alloc(0);
  let innerTries = 0;

  function take(isEnd: boolean): StreamPiece[] {
    const pieces: StreamPiece[] = [];
    let from = 0;
    while (from < buffer.length) {
      const rest = buffer.subarray(from);
      const cut = cutOf(rest, isEnd);
      if (cut === 'wait') break;
      pieces.push({ kind: cut.kind, raw: Buffer.from(rest.subarray(0, cut.end)) });
      from += cut.end;
    }
    // A copy: a few bytes left must not hold a whole chunk.
    if (from > 0) buffer = Buffer.from(buffer.subarray(from));
    return pieces;
  }

  function cutOf(rest: Buffer, isEnd: boolean): Cut {
    const start = findStart(rest, 0);
    if (start !== 0) return cutNoise(rest, start, isEnd);
    const length = Number(rest.toString('latin1', 2, HEAD_BYTES));
    const cut = cutByLength(rest, length, isEnd) ?? cutByLine(rest, isEnd);
    if (cut === 'wait' || cut.kind === 'noise') return cut;
    const inner = findStart(rest.subarray(0, cut.end), HEAD_BYTES);
    if (inner > 0 && innerTries < INNER_TRIES_MAX && !isSound(rest.subarray(0, cut.end))) {
      innerTries += 1;
      return { kind: 'noise', end: inner };
    }
    innerTries = 0;
    return cut;
  }

  return {
    push(bytes) {
      buffer = buffer.length === 0 ? Buffer.from(bytes) : Buffer.concat([buffer, bytes]);
      return take(false);
    },
    flush: () => take(true),
    waiting: () => buffer.length,
  };
}

/** Index of the first `##` with four digits from `from` on that gives a possible length; −1: none. */
function findStart(bytes: Buffer, from: number): number {
  for (let at = bytes.indexOf('##', from); at >= 0; at = bytes.indexOf('##', at + 1)) {
    if (at + HEAD_BYTES > bytes.length) return -1;
    let length = 0;
    for (let i = at + 2; i < at + HEAD_BYTES; i++) {
      const digit = (bytes[i] as number) - 0x30;
      length = digit < 0 || digit > 9 ? Number.NaN : length * 10 + digit;
    }
    if (length <= SEGMENT_BYTES_MAX) return at;
  }
  return -1;
}

/** Noise ends at a start, at a line's end, or at its bound. */
function cutNoise(rest: Buffer, start: number, isEnd: boolean): Cut {
  const line = rest.indexOf(LF) + 1;
  const ends = [start, line, NOISE_BYTES_MAX].filter((end) => end > 0);
  const end = Math.min(...ends);
  if (end <= rest.length - (isEnd || start >= 0 || line > 0 ? 0 : HEAD_BYTES - 1)) {
    return { kind: 'noise', end };
  }
  return isEnd ? { kind: 'noise', end: Math.min(rest.length, NOISE_BYTES_MAX) } : 'wait';
}

/** The frame that its length gives; undefined: at that length stands no end of a frame. */
function cutByLength(rest: Buffer, length: number, isEnd: boolean): Cut | undefined {
  const crcAt = HEAD_BYTES + length;
  const end = crcAt + CRC_BYTES;
  const line = rest.indexOf(LF, HEAD_BYTES);
  if (line >= 0 && line < end) return undefined;
  if (rest.length < end) return isEnd ? undefined : 'wait';
  if (rest[crcAt - 1] !== AMPERSAND || rest[crcAt - 2] !== AMPERSAND) return undefined;
  for (let at = crcAt; at < end; at++) if (!isHex(rest[at] as number)) return undefined;
  const [first, second] = [rest[end], rest[end + 1]];
  if (first === LF) return { kind: 'frame', end: end + 1 };
  if (first === CR && second === LF) return { kind: 'frame', end: end + 2 };
  const mayGoOn = first === undefined || (first === CR && second === undefined);
  return mayGoOn && !isEnd ? 'wait' : { kind: 'frame', end };
}

/** The frame that the line's end gives; noise when another start comes first. */
function cutByLine(rest: Buffer, isEnd: boolean): Cut {
  const line = rest.indexOf(LF, HEAD_BYTES) + 1;
  const window = rest.subarray(0, line > 0 ? line : WINDOW_BYTES);
  const inner = findStart(window, HEAD_BYTES);
  if (inner > 0) return { kind: 'noise', end: inner };
  if (line > 0) {
    return line <= WINDOW_BYTES
      ? { kind: 'frame', end: line }
      : { kind: 'noise', end: NOISE_BYTES_MAX };
  }
  if (rest.length >= WINDOW_BYTES) return { kind: 'noise', end: NOISE_BYTES_MAX };
  if (!isEnd) return 'wait';
  const isWhole = /&&[0-9A-Fa-f]{1,4}\r?$/.test(
    rest.toString('latin1', Math.max(0, rest.length - 8)),
  );
  return isWhole
    ? { kind: 'frame', end: rest.length }
    : { kind: 'noise', end: Math.min(rest.length, NOISE_BYTES_MAX) };
}

/** Whether the CRC fits, of a frame that holds a further start; an encrypted one holds none by chance. */
function isSound(frame: Buffer): boolean {
  const text = frame.toString('latin1').trimEnd();
  if (text.includes('CP=&&{0x')) return true;
  const crc = text.slice(-CRC_BYTES);
  const segment = frame.subarray(HEAD_BYTES, text.length - CRC_BYTES);
  return /^[0-9A-Fa-f]{4}$/.test(crc) && matchCrc(segment, crc) !== null;
}

const isHex = (byte: number): boolean =>
  (byte >= 0x30 && byte <= 0x39) ||
  (byte >= 0x41 && byte <= 0x46) ||
  (byte >= 0x61 && byte <= 0x66);
