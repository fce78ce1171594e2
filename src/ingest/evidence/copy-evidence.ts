import type pg from 'pg';
import type { HeaderRow } from '../journal/header.ts';
import { readHeader, readRaw } from '../journal/read-block.ts';
import { wantedEntries } from './wanted-entries.ts';

export interface WaitingClaim {
  readonly package_id: string;
  readonly shard: string;
  readonly devices: readonly string[];
  readonly from_ms: number;
  readonly to_ms: number;
  /** What the package was made from stands at or before this position. */
  readonly pos: number;
}

/** Header rows of these many blocks are read at once. */
const BLOCKS_PER_READ = 64;
/** No reading is judged that came more than this before its time (design §5). */
const AHEAD_MS_MAX = 120_000;

interface BlockHeader {
  readonly pos_from: number;
  readonly pos_to: number;
  readonly header: Buffer;
}

/**
 * Copies what a package rests on from the journal to `enforcement.evidence_raw`: the raw batches of its
 * window, the links up to the next seal, and the seal. `unsealed`: no such seal is there yet; what is
 * there of the window is copied all the same; `sealless`: nor can there be one. Copying again is a no-op.
 * Throws what the database throws.
 */
export async function copyEvidence(
  pool: pg.Pool,
  claim: WaitingClaim,
): Promise<'sealed' | 'unsealed' | 'sealless'> {
  const gateways = await gatewaysOf(pool, claim);
  const names = new Set(gateways.map(({ gateway }) => gateway));
  const wanted = wantedEntries(names, claim);
  const numbers = gateways.map(({ number }) => number);
  const blocks: BlockHeader[] = [];
  for await (const block of headersFrom(pool, claim, numbers)) {
    blocks.push(block);
    const rows = readHeader(block.header);
    for (const row of rows) wanted.take(row);
    const mayEnd = block.pos_to > claim.pos && rows.some((row) => isSealOf(row, names));
    if (mayEnd && wanted.isSealed()) break;
  }
  const positions = wanted.positions();
  for (const { pos_from: from, pos_to: to } of blocks) {
    const inside = positions.filter((pos) => pos >= from && pos <= to);
    if (inside.length > 0) await copyBlock(pool, claim, from, new Set(inside));
  }
  if (wanted.isSealed()) return 'sealed';
  return wanted.mayBeSealed() ? 'unsealed' : 'sealless';
}

const isSealOf = ({ kind, gateway }: HeaderRow, names: ReadonlySet<string>): boolean =>
  kind === 'seal' && gateway !== null && names.has(gateway);

/** Every gateway that one of the devices was ever registered at. */
async function gatewaysOf(
  pool: pg.Pool,
  { shard, devices }: WaitingClaim,
): Promise<{ gateway: string; number: number }[]> {
  const { rows } = await pool.query<{ gateway: string; number: number }>(
    `select gateway, number from telemetry.gateway_number where gateway in (
       select value->>'gateway' from registry.fact
       where shard = $1 and entity = 'device' and id = any($2) and value is not null)`,
    [shard, devices],
  );
  return rows;
}

/** Headers of the blocks with entries of these gateways since the window's start, in order. */
async function* headersFrom(
  pool: pg.Pool,
  { shard, from_ms: fromMs }: WaitingClaim,
  numbers: readonly number[],
): AsyncGenerator<BlockHeader, void, void> {
  let after = 0;
  for (;;) {
    const { rows } = await pool.query<BlockHeader>(
      `select pos_from, pos_to, header from telemetry.block
       where shard = $1 and pos_from > $2 and gateways && $3::int[]
         and committed_at >= to_timestamp($4::double precision / 1000)
       order by pos_from limit ${BLOCKS_PER_READ}`,
      [shard, after, numbers, fromMs - AHEAD_MS_MAX],
    );
    yield* rows;
    if (rows.length < BLOCKS_PER_READ) return;
    after = (rows.at(-1) as BlockHeader).pos_from;
  }
}

async function copyBlock(
  pool: pg.Pool,
  { shard, package_id: packageId }: WaitingClaim,
  posFrom: number,
  positions: ReadonlySet<number>,
): Promise<void> {
  const found = await pool.query<{ header: Buffer; body: Buffer }>(
    'select header, body from telemetry.block where shard = $1 and pos_from = $2',
    [shard, posFrom],
  );
  const [block] = found.rows;
  if (block === undefined) throw new Error(`Block ${posFrom} is gone before it was copied`);
  const kept = readRaw(block).filter(({ row }) => positions.has(row.pos));
  const column = <T>(of: (row: HeaderRow) => T): T[] => kept.map(({ row }) => of(row));
  await pool.query(
    `with copied as (
       insert into enforcement.evidence_raw
         (shard, pos, kind, gateway, epoch, seq, seq_to, received_at_ms, sha256, raw,
          dialect, context)
       select $1, r.* from unnest($2::bigint[], $3::text[], $4::text[], $5::text[], $6::bigint[],
         $7::bigint[], $8::bigint[], $9::text[], $10::bytea[], $11::text[], $12::text[]) as r
       on conflict do nothing)
     insert into enforcement.evidence_use (package_id, shard, pos)
     select $13, $1, pos from unnest($2::bigint[]) as pos on conflict do nothing`,
    [
      shard,
      column(({ pos }) => pos),
      column(({ kind }) => kind),
      column(({ gateway }) => gateway),
      column(({ epoch }) => epoch),
      column(({ seq }) => seq),
      column(({ to }) => to),
      column(({ receivedAtMs }) => receivedAtMs),
      column(({ sha256 }) => sha256),
      kept.map(({ raw }) => raw),
      column(({ dialect }) => dialect),
      column(({ context }) => context),
      packageId,
    ],
  );
}
