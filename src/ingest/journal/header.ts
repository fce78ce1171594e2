import type { Dialect } from '../../model/entry.ts';
import type { GatewayId, Sha256Hex, Ulid } from '../../model/ids.ts';

export type RowKind = 'live' | 'backfill' | 'gap' | 'seal' | 'fact' | 'tick' | 'parked';

/** What the header of a block says of one entry; the raw bytes are in the body at `offset`. */
export interface HeaderRow {
  readonly pos: number;
  readonly kind: RowKind;
  readonly gateway: GatewayId | null;
  readonly epoch: Ulid | null;
  /** Batch: seq; gap: from; seal: upTo; else null. */
  readonly seq: number | null;
  /** Gap: last seq of the range; else null. */
  readonly to: number | null;
  /** Batch: other content is stored under the key. */
  readonly conflict: boolean;
  /** Seal: the signature verified. */
  readonly verified: boolean;
  /** Batch, parked: how its bytes are read (`decodePayload`); else json. */
  readonly dialect: Dialect;
  readonly context: string | null;
  readonly receivedAtMs: number;
  readonly sha256: Sha256Hex;
  readonly offset: number;
  readonly length: number;
  /** Range of event time; null: the entry holds no readings. */
  readonly atMinMs: number | null;
  readonly atMaxMs: number | null;
}

/** One letter per kind in the column `kind`. */
const LETTERS: Readonly<Record<RowKind, string>> = {
  live: 'l',
  backfill: 'b',
  gap: 'g',
  seal: 's',
  fact: 'f',
  tick: 't',
  parked: 'p',
};
const DIALECT_LETTERS: Readonly<Record<Dialect, string>> = {
  json: 'j',
  hj212: 'h',
  sparkplug: 's',
};
const DIALECTS_BY_LETTER = new Map(
  Object.entries(DIALECT_LETTERS).map(([dialect, letter]) => [letter, dialect as Dialect]),
);
const KINDS = new Map(Object.entries(LETTERS).map(([kind, letter]) => [letter, kind as RowKind]));

/**
 * Header of a block, version 1: columns, so that equal things stand side by side and compress. Numbers
 * that grow are kept as differences. −1 stands for null in index columns, 0 in seq columns.
 */
interface Columns {
  v: 1;
  shard: string;
  posFrom: number;
  kind: string;
  gateways: string[];
  gateway: number[];
  epochs: string[];
  epoch: number[];
  seq: number[];
  to: [number, number][];
  conflict: number[];
  verified: number[];
  /** One letter per entry; absent: all are json without a context. */
  dialect?: string;
  contexts?: string[];
  context?: number[];
  receivedAtMs: number[];
  length: number[];
  /** Of all entries, one after the other, base64. */
  sha256: string;
  atMinMs: number[];
  atSpanMs: number[];
}

const HASH_BYTES = 32;

/** Rows of one block, in order of position → JSON text. */
export function encodeHeader(shard: string, rows: readonly HeaderRow[]): string {
  const gateways = createIndex();
  const epochs = createIndex();
  const hashes = Buffer.allocUnsafe(rows.length * HASH_BYTES);
  const columns: Columns = {
    v: 1,
    shard,
    posFrom: rows[0]?.pos ?? 0,
    kind: rows.map((row) => LETTERS[row.kind]).join(''),
    gateways: gateways.names,
    gateway: rows.map((row) => gateways.indexOf(row.gateway)),
    epochs: epochs.names,
    epoch: rows.map((row) => epochs.indexOf(row.epoch)),
    seq: rows.map((row) => row.seq ?? 0),
    to: rows.flatMap((row, i) => (row.to === null ? [] : [[i, row.to] as [number, number]])),
    conflict: rows.flatMap((row, i) => (row.conflict ? [i] : [])),
    verified: rows.flatMap((row, i) => (row.verified ? [i] : [])),
    ...dialectColumns(rows),
    receivedAtMs: differences(rows.map((row) => row.receivedAtMs)),
    length: rows.map((row) => row.length),
    sha256: '',
    atMinMs: differences(rows.map((row) => row.atMinMs ?? 0)),
    atSpanMs: rows.map((row) => (row.atMaxMs === null ? -1 : row.atMaxMs - (row.atMinMs ?? 0))),
  };
  rows.forEach((row, i) => {
    hashes.write(row.sha256, i * HASH_BYTES, 'hex');
  });
  columns.sha256 = hashes.toString('base64');
  return JSON.stringify(columns);
}

function dialectColumns(
  rows: readonly HeaderRow[],
): Pick<Columns, 'dialect' | 'contexts' | 'context'> {
  if (rows.every(({ dialect, context }) => dialect === 'json' && context === null)) return {};
  const contexts = createIndex();
  return {
    dialect: rows.map((row) => DIALECT_LETTERS[row.dialect]).join(''),
    contexts: contexts.names,
    context: rows.map((row) => contexts.indexOf(row.context)),
  };
}

/** JSON text → rows. Throws on a version this build does not know. */
export function decodeHeader(text: string): HeaderRow[] {
  const columns = JSON.parse(text) as Columns;
  if (columns.v !== 1) throw new Error(`Cannot read a block header of version ${columns.v}`);
  const hashes = Buffer.from(columns.sha256, 'base64');
  const to = new Map(columns.to);
  const conflict = new Set(columns.conflict);
  const verified = new Set(columns.verified);
  let offset = 0;
  let receivedAtMs = 0;
  let atMinMs = 0;
  return columns.length.map((length, i) => {
    receivedAtMs += columns.receivedAtMs[i] as number;
    atMinMs += columns.atMinMs[i] as number;
    const atSpanMs = columns.atSpanMs[i] as number;
    const row: HeaderRow = {
      pos: columns.posFrom + i,
      kind: KINDS.get(columns.kind[i] as string) as RowKind,
      gateway: (columns.gateways[columns.gateway[i] as number] ?? null) as GatewayId | null,
      epoch: columns.epochs[columns.epoch[i] as number] ?? null,
      seq: columns.seq[i] || null,
      to: to.get(i) ?? null,
      conflict: conflict.has(i),
      verified: verified.has(i),
      dialect: DIALECTS_BY_LETTER.get(columns.dialect?.[i] ?? 'j') as Dialect,
      context: columns.contexts?.[columns.context?.[i] as number] ?? null,
      receivedAtMs,
      sha256: hashes.toString('hex', i * HASH_BYTES, (i + 1) * HASH_BYTES),
      offset,
      length,
      atMinMs: atSpanMs < 0 ? null : atMinMs,
      atMaxMs: atSpanMs < 0 ? null : atMinMs + atSpanMs,
    };
    offset += length;
    return row;
  });
}

function createIndex(): { names: string[]; indexOf(name: string | null): number } {
  const numbers = new Map<string, number>();
  const names: string[] = [];
  return {
    names,
    indexOf(name) {
      if (name === null) return -1;
      const known = numbers.get(name);
      if (known !== undefined) return known;
      numbers.set(name, names.length);
      return names.push(name) - 1;
    },
  };
}

function differences(values: readonly number[]): number[] {
  let last = 0;
  return values.map((value) => {
    const difference = value - last;
    last = value;
    return difference;
  });
}
