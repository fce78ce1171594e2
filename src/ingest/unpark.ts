import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import type { Logger } from '../process/log.ts';
import { LATER_VERSIONS } from '../telemetry/later-versions.ts';
import { validateBatch } from '../telemetry/validate.ts';
import type { DeadLetter } from './dead-letters.ts';
import type { HeaderRow } from './journal/header.ts';
import { readHeader, readRaw, type StoredBlock } from './journal/read-block.ts';
import type { BatchSubmission, Outcome } from './journal/submission.ts';
import type { DeadReason } from './receive.ts';

interface UnparkDeps {
  readonly pool: pg.Pool;
  readonly shard: string;
  /** Head of the journal when this process took it: what comes later is read as it comes. */
  readonly headPos: number;
  /** Last position that this process has written. */
  readonly writtenPos: () => number;
  readonly submit: (submission: BatchSubmission) => void;
  readonly putAside: (letter: DeadLetter & { readonly reason: DeadReason }) => void;
  /** A batch that was parked is in the journal as one that can be evaluated. */
  readonly onUnparked: () => void;
  readonly now: () => number;
  readonly log: Logger;
}

export interface Unparking {
  close(): Promise<void>;
}

const BLOCKS_PER_PAGE = 32;
const RETRY_MS = 5_000;
/** How far this build has written is kept this often: the next start looks from there on. */
const SAVE_EVERY_MS = 60_000;

/**
 * After an upgrade: batches of a version that earlier builds could not read come into the journal
 * again, in their order, as late ones under the place in the chain that they have settled. Each once for each
 * version, but for those that were under way when a process died; what is the same changes nothing.
 */
export function startUnparking(deps: UnparkDeps): Unparking {
  const { pool, shard, log } = deps;
  const stop = new AbortController();
  const { signal } = stop;
  const found = new Set<number>();

  async function run(version: number): Promise<void> {
    while (!signal.aborted) {
      try {
        const count = await unparkVersion(version, deps, signal);
        if (count === null) return;
        found.add(version);
        if (count > 0) log.info({ version, count }, 'parked batches are evaluated now');
        return;
      } catch (error) {
        log.warn({ version, error: (error as Error).message }, 'cannot look for parked batches');
        await sleep(RETRY_MS, undefined, { signal }).catch(() => undefined);
      }
    }
  }

  const save = async (): Promise<void> => {
    for (const version of found) await saveUnparked(pool, shard, version, deps.writtenPos());
  };
  const running = (async () => {
    for (const version of LATER_VERSIONS.keys()) await run(version);
  })();
  const timer = setInterval(() => {
    save().catch((error: Error) => log.debug({ error: error.message }, 'cannot save a position'));
  }, SAVE_EVERY_MS);
  return {
    async close() {
      clearInterval(timer);
      stop.abort();
      await running;
      await save().catch(() => undefined);
    },
  };
}

/** Gives how many batches came into the journal again; null: it ended before all were. */
async function unparkVersion(
  version: number,
  deps: UnparkDeps,
  signal: AbortSignal,
): Promise<number | null> {
  const { pool, shard, headPos } = deps;
  let pos = await readUnparked(pool, shard, version);
  let count = 0;
  while (pos < headPos) {
    const { rows } = await pool.query<{ header: Buffer; pos_from: number; pos_to: number }>(
      `select header, pos_from, pos_to from telemetry.block
       where shard = $1 and pos_to > $2 and pos_from <= $3 order by pos_from limit ${BLOCKS_PER_PAGE}`,
      [shard, pos, headPos],
    );
    const last = rows.at(-1);
    if (last === undefined) break;
    for (const block of rows) {
      if (!readHeader(block.header).some((row) => isParked(row, pos))) continue;
      const taken = await unparkBlock(version, block.pos_from, pos, deps);
      if (taken === null || signal.aborted) return null;
      count += taken;
    }
    pos = last.pos_to;
    await saveUnparked(pool, shard, version, pos);
  }
  await saveUnparked(pool, shard, version, headPos);
  return count;
}

const isParked = ({ kind, dialect, pos }: HeaderRow, behind: number): boolean =>
  kind === 'parked' && dialect === 'json' && pos > behind;

/** Null: the journal closed before all were in. */
async function unparkBlock(
  version: number,
  posFrom: number,
  behind: number,
  deps: UnparkDeps,
): Promise<number | null> {
  const { rows } = await deps.pool.query<StoredBlock>(
    'select header, body from telemetry.block where shard = $1 and pos_from = $2',
    [deps.shard, posFrom],
  );
  const parked = rows
    .flatMap(readRaw)
    .filter(({ row, raw }) => isParked(row, behind) && versionOf(raw) === version);
  const outcomes = await Promise.all(parked.map(({ row, raw }) => unpark(row, raw, deps)));
  if (outcomes.includes('closed')) return null;
  return outcomes.filter((outcome) => outcome === 'stored').length;
}

/** Null: no JSON object; it was parked for its place only. */
function versionOf(raw: Buffer): number | null {
  try {
    return (JSON.parse(raw.toString()) as { v: number } | null)?.v ?? null;
  } catch {
    return null;
  }
}

function unpark(
  { pos, gateway, epoch, seq, sha256, dialect, context, conflict }: HeaderRow,
  raw: Buffer,
  { submit, putAside, onUnparked, now }: UnparkDeps,
): Promise<Outcome | 'put-aside'> {
  const { promise, resolve } = Promise.withResolvers<Outcome | 'put-aside'>();
  const validated = validateBatch(raw);
  const receivedAtMs = now();
  if (gateway !== null && validated.kind === 'batch') {
    const { batch, readings } = validated;
    submit({
      ...{ kind: 'batch', topic: 'backfill', gateway, epoch, seq, dialect, context, batch },
      ...{ readings, raw, sha256, receivedAtMs, found: null },
      judged: conflict ? 'conflict' : 'new',
      done(outcome) {
        if (outcome === 'stored') onUnparked();
        resolve(outcome);
      },
    });
  } else {
    const reason = validated.kind === 'rejected' ? validated.reason : 'invalid-envelope';
    const detail = validated.kind === 'rejected' ? `expected ${validated.expected}` : 'no batch';
    putAside({
      ...{ receivedAtMs, source: gateway ?? '', topic: `journal/${pos}`, reason, detail, raw },
      done: (isKept) => resolve(isKept ? 'put-aside' : 'closed'),
    });
  }
  return promise;
}

async function readUnparked(pool: pg.Pool, shard: string, version: number): Promise<number> {
  const { rows } = await pool.query<{ pos: number }>(
    'select pos from telemetry.unparked where shard = $1 and version = $2',
    [shard, version],
  );
  return rows[0]?.pos ?? 0;
}

/** Never back: what lies before was looked at. */
async function saveUnparked(
  pool: pg.Pool,
  shard: string,
  version: number,
  pos: number,
): Promise<void> {
  await pool.query(
    `insert into telemetry.unparked as u (shard, version, pos) values ($1, $2, $3)
     on conflict (shard, version) do update set pos = greatest(u.pos, excluded.pos)`,
    [shard, version, pos],
  );
}
