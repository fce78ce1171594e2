import { createHash, hash } from 'node:crypto';
import { fail, ok, type Result } from '../model/result.ts';

/** "WGCP", then the version, each part after the lengths of its name and itself, and SHA-256 of all that. */
const MAGIC = 0x57474350;
const HEAD_BYTES = 8;
const DIGEST_BYTES = 32;

/** A part under its name. */
export type NamedPart<B extends Uint8Array = Uint8Array> = readonly [name: string, bytes: B];

/** Writes parts as one checkpoint. */
export function writeParts(version: number, parts: readonly NamedPart[]): Uint8Array {
  const head = Buffer.alloc(HEAD_BYTES);
  head.writeUInt32BE(MAGIC, 0);
  head.writeUInt32BE(version, 4);
  const framed: Uint8Array[] = [head];
  for (const [name, part] of parts) {
    const lengths = Buffer.alloc(8);
    lengths.writeUInt32BE(Buffer.byteLength(name), 0);
    lengths.writeUInt32BE(part.byteLength, 4);
    framed.push(lengths, Buffer.from(name), part);
  }
  const digest = createHash('sha256');
  for (const bytes of framed) digest.update(bytes);
  return Buffer.concat([...framed, digest.digest()]);
}

/** The parts of a checkpoint of this version. */
export function readParts(
  version: number,
  bytes: Uint8Array,
): Result<readonly NamedPart<Buffer>[], 'unknown-version' | 'damaged'> {
  const all = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const end = all.byteLength - DIGEST_BYTES;
  if (end < HEAD_BYTES || all.readUInt32BE(0) !== MAGIC) {
    return fail('damaged', 'it does not start as a checkpoint');
  }
  const found = all.readUInt32BE(4);
  if (found !== version) {
    return fail('unknown-version', `it is of engine version ${found}, this build reads ${version}`);
  }
  if (!hash('sha256', all.subarray(0, end), 'buffer').equals(all.subarray(end))) {
    return fail('damaged', 'its checksum does not fit');
  }
  const parts: NamedPart<Buffer>[] = [];
  for (let at = HEAD_BYTES; at < end; ) {
    const nameEnd = at + 8 + all.readUInt32BE(at);
    const partEnd = nameEnd + all.readUInt32BE(at + 4);
    parts.push([all.toString('utf8', at + 8, nameEnd), all.subarray(nameEnd, partEnd)]);
    at = partEnd;
  }
  return ok(parts);
}

/** JSON lines: one string for a province's state could pass the longest that there can be. */
export function writeLines(values: readonly unknown[]): Uint8Array {
  const chunks: Buffer[] = [];
  let text = '';
  for (const value of values) {
    text += `${JSON.stringify(value)}\n`;
    if (text.length < CHUNK_CHARS) continue;
    chunks.push(Buffer.from(text));
    text = '';
  }
  chunks.push(Buffer.from(text));
  return Buffer.concat(chunks);
}

const CHUNK_CHARS = 1 << 20;

/** Values of `writeLines`; their shape is vouched for by version, settings hash and checksum. */
export function readLines<T>(bytes: Buffer): T[] {
  const values: T[] = [];
  for (let at = 0; at < bytes.byteLength; ) {
    const end = bytes.indexOf(0x0a, at);
    values.push(JSON.parse(bytes.toString('utf8', at, end)) as T);
    at = end + 1;
  }
  return values;
}
