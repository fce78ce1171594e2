import { hash } from 'node:crypto';
import { promisify } from 'node:util';
import { constants, zstdCompress, zstdCompressSync } from 'node:zlib';
import type { JournalEntry } from '../../model/entry.ts';
import { encodeHeader, type HeaderRow } from './header.ts';
import type { Submission } from './submission.ts';

/** A group commit, ready to be written: the row of `telemetry.block`. */
export interface EncodedBlock {
  readonly posFrom: number;
  readonly posTo: number;
  readonly prevHash: Buffer;
  /** SHA-256 of `prevHash ‖ header ‖ body`, as stored. */
  readonly hash: Buffer;
  readonly header: Buffer;
  readonly body: Buffer;
  readonly rawBytes: number;
  /** Names of the gateways in it. */
  readonly gateways: ReadonlySet<string>;
  readonly atMinMs: number | null;
  readonly atMaxMs: number | null;
}

export interface Accepted {
  readonly submission: Submission;
  readonly conflict: boolean;
}

const ZSTD = { params: { [constants.ZSTD_c_compressionLevel]: 1 } };
/** From here on another thread compresses: the way there costs less than what it takes off this one. */
const ELSEWHERE_BYTES_MIN = 65_536;
const compressElsewhere = promisify(zstdCompress);

const compressed = async (bytes: Buffer): Promise<Buffer> =>
  bytes.length < ELSEWHERE_BYTES_MIN
    ? zstdCompressSync(bytes, ZSTD)
    : compressElsewhere(bytes, ZSTD);

export const blockHash = (prevHash: Uint8Array, header: Uint8Array, body: Uint8Array): Buffer =>
  hash('sha256', Buffer.concat([prevHash, header, body]), 'buffer');

/** Lays accepted submissions out as one block from `posFrom` on. */
export async function encodeBlock(
  shard: string,
  posFrom: number,
  prevHash: Buffer,
  accepted: readonly Accepted[],
): Promise<EncodedBlock> {
  const gateways = new Set<string>();
  const rows: HeaderRow[] = [];
  let offset = 0;
  let atMinMs = Number.POSITIVE_INFINITY;
  let atMaxMs = Number.NEGATIVE_INFINITY;
  for (const { submission, conflict } of accepted) {
    const row = rowOf(submission, posFrom + rows.length, offset, conflict);
    rows.push(row);
    offset += row.length;
    if (row.gateway !== null) gateways.add(row.gateway);
    if (row.atMinMs !== null && row.atMinMs < atMinMs) atMinMs = row.atMinMs;
    if (row.atMaxMs !== null && row.atMaxMs > atMaxMs) atMaxMs = row.atMaxMs;
  }
  const raw = Buffer.concat(accepted.map(({ submission }) => submission.raw));
  const columns = Buffer.from(encodeHeader(shard, rows));
  const [header, body] = await Promise.all([compressed(columns), compressed(raw)]);
  return {
    posFrom,
    posTo: posFrom + rows.length - 1,
    prevHash,
    hash: blockHash(prevHash, header, body),
    header,
    body,
    rawBytes: raw.length,
    gateways,
    atMinMs: atMinMs === Number.POSITIVE_INFINITY ? null : atMinMs,
    atMaxMs: atMaxMs === Number.NEGATIVE_INFINITY ? null : atMaxMs,
  };
}

function rowOf(submission: Submission, pos: number, offset: number, conflict: boolean): HeaderRow {
  const { raw, sha256, receivedAtMs } = submission;
  const row = {
    pos,
    gateway: null,
    epoch: null,
    seq: null,
    to: null,
    conflict,
    verified: false,
    dialect: 'json' as const,
    context: null,
    receivedAtMs,
    sha256,
    offset,
    length: raw.byteLength,
    atMinMs: null,
    atMaxMs: null,
  };
  switch (submission.kind) {
    case 'batch': {
      const { topic: kind, gateway, epoch, seq, dialect, context } = submission;
      const keys = { kind, gateway, epoch, seq, dialect, context };
      return { ...row, ...keys, ...eventTimes(submission.batch.frames) };
    }
    case 'parked': {
      const { gateway, epoch, seq, dialect, context } = submission;
      return { ...row, kind: 'parked', gateway, epoch, seq, dialect, context };
    }
    case 'gap': {
      const { gateway, message } = submission;
      const { epoch, from: seq, to } = message;
      return { ...row, kind: 'gap', gateway, epoch, seq, to };
    }
    case 'seal': {
      const { gateway, message, verified } = submission;
      return { ...row, kind: 'seal', gateway, epoch: message.epoch, seq: message.upTo, verified };
    }
    case 'fact':
    case 'tick':
      return { ...row, kind: submission.kind };
  }
}

/** First and last `at` of a batch's frames, UTC ms. */
export function eventTimes(frames: readonly { readonly at: number }[]): {
  atMinMs: number;
  atMaxMs: number;
} {
  let atMinMs = Number.POSITIVE_INFINITY;
  let atMaxMs = Number.NEGATIVE_INFINITY;
  for (const { at } of frames) {
    if (at < atMinMs) atMinMs = at;
    if (at > atMaxMs) atMaxMs = at;
  }
  return { atMinMs, atMaxMs };
}

/** The entry as readers see it, from the submission as it was parsed. */
export function entryOf(submission: Submission, pos: number, conflict: boolean): JournalEntry {
  const { receivedAtMs, sha256 } = submission;
  const base = { pos, receivedAtMs, sha256 };
  switch (submission.kind) {
    case 'batch': {
      const { topic, gateway, epoch, seq, batch } = submission;
      return { ...base, kind: 'batch', gateway, topic, epoch, seq, conflict, batch };
    }
    case 'parked': {
      const { gateway, epoch, seq } = submission;
      return { ...base, kind: 'parked', gateway, epoch, seq };
    }
    case 'gap': {
      const { gateway, message } = submission;
      const { epoch, from, to, reason, prev, hash: last } = message;
      return { ...base, kind: 'gap', gateway, epoch, from, to, reason, prev, hash: last };
    }
    case 'seal': {
      const { gateway, message, verified } = submission;
      const { epoch, upTo, hash: head } = message;
      return { ...base, kind: 'seal', gateway, epoch, upTo, hash: head, verified };
    }
    case 'fact':
      return { ...base, kind: 'fact', fact: submission.fact };
    case 'tick':
      return { ...base, kind: 'tick', atMs: submission.atMs };
  }
}
