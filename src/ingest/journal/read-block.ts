import { zstdDecompressSync } from 'node:zlib';
import type { JournalEntry } from '../../model/entry.ts';
import type { Fact } from '../../model/facts.ts';
import type { GatewayId } from '../../model/ids.ts';
import { decodePayload } from '../../telemetry/decode-payload.ts';
import { GapMessage, SealMessage } from '../../telemetry/messages.ts';
import { entryOf } from './encode-block.ts';
import { decodeHeader, type HeaderRow } from './header.ts';
import type { Submission } from './submission.ts';

/** The compressed columns of one row of `telemetry.block`. */
export interface StoredBlock {
  readonly header: Uint8Array;
  readonly body: Uint8Array;
}

export const readHeader = (header: Uint8Array): HeaderRow[] =>
  decodeHeader(zstdDecompressSync(header).toString());

/** The raw bytes of each entry, exactly as they came. */
export function readRaw({ header, body }: StoredBlock): { row: HeaderRow; raw: Buffer }[] {
  const raw = zstdDecompressSync(body);
  return readHeader(header).map((row) => ({
    row,
    raw: raw.subarray(row.offset, row.offset + row.length),
  }));
}

/** Entries of a block, equal to what the writer handed to the readers in its own process. */
export const readBlock = (block: StoredBlock): JournalEntry[] =>
  readRaw(block).map(({ row, raw }) => entryOf(submissionOf(row, raw), row.pos, row.conflict));

/** A stored entry taken apart again; what is stored was checked when it came in. */
function submissionOf(row: HeaderRow, raw: Buffer): Submission {
  const { sha256, receivedAtMs, epoch, seq, dialect, context } = row;
  const gateway = row.gateway as GatewayId;
  const base = { raw, sha256, receivedAtMs, done: () => undefined };
  switch (row.kind) {
    case 'live':
    case 'backfill': {
      const validated = decodePayload({ dialect, raw, context, receivedAtMs });
      if (validated.kind !== 'batch') {
        throw new Error(`Cannot read entry ${row.pos} of the journal: it holds no batch`);
      }
      const { batch, readings } = validated;
      const keys = { gateway, epoch, seq, dialect, context, found: null };
      return { ...base, ...keys, kind: 'batch', topic: row.kind, batch, readings };
    }
    case 'parked':
      return {
        ...base,
        ...{ kind: 'parked', topic: 'live', gateway, epoch, seq, dialect, context, found: null },
      };
    case 'gap':
      return { ...base, kind: 'gap', gateway, message: GapMessage.parse(jsonOf(raw)) };
    case 'seal': {
      const { verified } = row;
      return {
        ...base,
        kind: 'seal',
        gateway,
        message: SealMessage.parse(jsonOf(raw)),
        verified,
      };
    }
    case 'fact':
      return { ...base, kind: 'fact', fact: jsonOf(raw) as Fact };
    case 'tick':
      return { ...base, kind: 'tick', atMs: (jsonOf(raw) as { atMs: number }).atMs };
  }
}

const jsonOf = (raw: Buffer): unknown => JSON.parse(raw.toString());
