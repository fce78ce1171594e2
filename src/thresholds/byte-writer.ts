/** Grows as it is written to; numbers little-endian. */
export interface ByteWriter {
  u8(value: number): void;
  u32(value: number): void;
  f64(value: number): void;
  /** Length, then UTF-8. */
  text(value: string): void;
  raw(bytes: Uint8Array): void;
  /** What was written; the writer is used no more. */
  bytes(): Uint8Array;
}

export function createByteWriter(sizeHint = 1 << 16): ByteWriter {
  let buffer = Buffer.allocUnsafe(sizeHint);
  let end = 0;
  const reserve = (length: number): void => {
    if (end + length <= buffer.byteLength) return;
    const larger = Buffer.allocUnsafe(Math.max(buffer.byteLength * 2, end + length));
    buffer.copy(larger, 0, 0, end);
    buffer = larger;
  };
  return {
    u8(value) {
      reserve(1);
      buffer[end++] = value;
    },
    u32(value) {
      reserve(4);
      end = buffer.writeUInt32LE(value, end);
    },
    f64(value) {
      reserve(8);
      end = buffer.writeDoubleLE(value, end);
    },
    text(value) {
      const length = Buffer.byteLength(value);
      reserve(4 + length);
      end = buffer.writeUInt32LE(length, end);
      end += buffer.write(value, end);
    },
    raw(bytes) {
      reserve(bytes.byteLength);
      buffer.set(bytes, end);
      end += bytes.byteLength;
    },
    bytes: () => buffer.subarray(0, end),
  };
}

/** Reads what a `ByteWriter` wrote, in the same order. */
export interface ByteReader {
  readonly isAtEnd: boolean;
  u8(): number;
  u32(): number;
  f64(): number;
  text(): string;
  /** A view, not a copy. */
  raw(length: number): Uint8Array;
}

export function createByteReader(buffer: Buffer): ByteReader {
  let at = 0;
  return {
    get isAtEnd() {
      return at >= buffer.byteLength;
    },
    u8: () => buffer[at++]!,
    u32() {
      at += 4;
      return buffer.readUInt32LE(at - 4);
    },
    f64() {
      at += 8;
      return buffer.readDoubleLE(at - 8);
    },
    text() {
      const length = buffer.readUInt32LE(at);
      at += 4 + length;
      return buffer.toString('utf8', at - length, at);
    },
    raw(length) {
      at += length;
      return buffer.subarray(at - length, at);
    },
  };
}
