import { sql, type Transaction } from 'kysely';
import type { ClueTable, Database } from '../database/schema.ts';
import { canonicalJson } from '../model/digest.ts';
import type { ClueDraft, StoredBody } from './clue-draft.ts';
import { appendEvents } from './clue-events.ts';
import type { ClueKey } from './clue-no.ts';
import { episodeKey, mergeEpisodes } from './episode.ts';
import type { ClueState } from './lifecycle.ts';

type Tx = Transaction<Database>;

/** The open clue of a key, locked; undefined: none. */
export async function loadOpenClue(tx: Tx, key: ClueKey): Promise<ClueDraft | undefined> {
  const row = await tx
    .selectFrom('enforcement.clue')
    .selectAll()
    .where('enterprise', '=', key.enterprise)
    .where('post', '=', key.post)
    .where('factor', '=', key.factor)
    .where('limit_kind', '=', key.limitKind)
    .where('kind', '=', key.kind)
    .where('state', '<>', 'WITHDRAWN')
    .orderBy('opened_pos', 'desc')
    .limit(1)
    .forUpdate()
    .executeTakeFirst();
  return row && toDraft(row);
}

export async function loadClue(tx: Tx, clueNo: string): Promise<ClueDraft | undefined> {
  const row = await tx
    .selectFrom('enforcement.clue')
    .selectAll()
    .where('clue_no', '=', clueNo)
    .forUpdate()
    .executeTakeFirst();
  return row && toDraft(row);
}

/** Clues that wait and are due at `nowMs`, locked, in order of their numbers. */
export async function loadDueClues(tx: Tx, nowMs: number): Promise<ClueDraft[]> {
  const rows = await tx
    .selectFrom('enforcement.clue')
    .selectAll()
    .where('state', '=', 'READY')
    .where('due_at_ms', '<=', nowMs)
    .orderBy('clue_no')
    .forUpdate()
    .execute();
  return rows.map(toDraft);
}

/** How the sending of the last released revision stands. */
export async function readLastRelease(
  tx: Tx,
  clueNo: string,
): Promise<'pending' | 'sent' | 'superseded' | 'dead' | undefined> {
  const row = await tx
    .selectFrom('enforcement.outbox')
    .select('state')
    .where('clue_no', '=', clueNo)
    .orderBy('revision', 'desc')
    .limit(1)
    .executeTakeFirst();
  return row?.state;
}

/** When the next waiting clue is due; null: none waits. */
export async function readNextDueMs(tx: Tx): Promise<number | null> {
  const row = await tx
    .selectFrom('enforcement.clue')
    .select('due_at_ms')
    .where('state', '=', 'READY')
    .orderBy('due_at_ms')
    .limit(1)
    .executeTakeFirst();
  return row?.due_at_ms ?? null;
}

/** Looks at a waiting clue again at `dueAtMs`, or when its next change makes it due sooner. */
export async function postponeClue(tx: Tx, clueNo: string, dueAtMs: number): Promise<void> {
  await tx
    .updateTable('enforcement.clue')
    .set({ due_at_ms: dueAtMs })
    .where('clue_no', '=', clueNo)
    .execute();
}

function toDraft(row: ClueTable): ClueDraft {
  const { ledger, pending, ...body } = row.body as StoredBody;
  return {
    clueNo: row.clue_no,
    key: {
      enterprise: row.enterprise,
      post: row.post,
      factor: row.factor,
      limitKind: row.limit_kind,
      kind: row.kind,
    } as ClueKey,
    region: row.region as ClueDraft['region'],
    crew: row.crew as ClueDraft['crew'],
    shiftStartMs: row.shift_start_ms,
    openedPos: row.opened_pos,
    takenPos: row.updated_pos,
    state: row.state as ClueState,
    revision: row.revision,
    dueAtMs: row.due_at_ms,
    ledger,
    body,
    pending,
    events: [],
    packages: [],
    claims: [],
    release: null,
  };
}

/**
 * Writes the clue and all that came with it. Keys decide: writing again is a no-op, and
 * `onConflict` hears of an outbox key that is there already with another body (it stays as it was).
 */
export async function saveClue(
  tx: Tx,
  clue: ClueDraft,
  pos: number,
  onConflict: (idempotencyKey: string) => void,
): Promise<void> {
  await saveRow(tx, clue, pos);
  await savePackages(tx, clue);
  await saveEpisodes(tx, clue, pos);
  if (clue.release !== null && !(await saveRelease(tx, clue.clueNo, clue.release, pos))) {
    const key = `${clue.clueNo}-${clue.release.revision}`;
    onConflict(key);
    const atMs = clue.events.at(-1)?.atMs ?? 0;
    clue.events.push({ type: 'KEY_CONFLICT', atMs, reason: key, detail: clue.release.body });
  }
  await appendEvents(tx, clue.clueNo, pos, clue.events);
}

async function saveRow(tx: Tx, clue: ClueDraft, pos: number): Promise<void> {
  const stored: StoredBody = { ...clue.body, pending: clue.pending, ledger: clue.ledger };
  const changing = {
    state: clue.state,
    revision: clue.revision,
    due_at_ms: clue.dueAtMs,
    body: JSON.stringify(stored),
    updated_pos: pos,
  };
  await tx
    .insertInto('enforcement.clue')
    .values({
      clue_no: clue.clueNo,
      kind: clue.key.kind,
      enterprise: clue.key.enterprise,
      region: clue.region,
      post: clue.key.post,
      crew: clue.crew,
      factor: clue.key.factor,
      limit_kind: clue.key.limitKind,
      shift_start_ms: clue.shiftStartMs,
      platform_no: null,
      behavior_code: null,
      opened_pos: clue.openedPos,
      ...changing,
    })
    .onConflict((conflict) => conflict.column('clue_no').doUpdateSet(changing))
    .execute();
}

async function savePackages(tx: Tx, clue: ClueDraft): Promise<void> {
  if (clue.packages.length === 0) return;
  await tx
    .insertInto('enforcement.evidence_package')
    .values(
      clue.packages.map(({ packageId, revision, sm3, bytes, body }) => ({
        package_id: packageId,
        clue_no: clue.clueNo,
        revision,
        sm3,
        bytes,
        body,
      })),
    )
    .onConflict((conflict) => conflict.column('package_id').doNothing())
    .execute();
}

/** The rows follow the shifts kept in the clue; episodes of older shifts stay as they are. */
async function saveEpisodes(tx: Tx, clue: ClueDraft, pos: number): Promise<void> {
  const entries = clue.ledger.entries;
  const standing = entries.filter((entry) => entry.standing);
  const episodes = mergeEpisodes(standing.flatMap(({ result }) => result.episodes));
  const keys = episodes.map(({ startMs }) => episodeKey(clue.clueNo, startMs));
  const oldestMs = entries[0]?.result.subject.shift.startMs ?? clue.shiftStartMs;
  await sql`delete from enforcement.episode
    where clue_no = ${clue.clueNo} and start_ms >= ${oldestMs}
    and not (episode_key = any(${keys}::text[]))`.execute(tx);
  if (episodes.length === 0) return;
  await tx
    .insertInto('enforcement.episode')
    .values(
      episodes.map(({ startMs, endMs, lowerBoundMax }, i) => ({
        episode_key: keys[i] as string,
        clue_no: clue.clueNo,
        start_ms: startMs,
        end_ms: endMs,
        lower_bound_max: lowerBoundMax,
        pos,
      })),
    )
    .onConflict((conflict) =>
      conflict.column('episode_key').doUpdateSet((eb) => ({
        end_ms: eb.ref('excluded.end_ms'),
        lower_bound_max: eb.ref('excluded.lower_bound_max'),
        pos: eb.ref('excluded.pos'),
      })),
    )
    .execute();
}

/**
 * False: the key is there already with another body. Older revisions not yet sent are superseded.
 */
async function saveRelease(
  tx: Tx,
  clueNo: string,
  { revision, body }: NonNullable<ClueDraft['release']>,
  pos: number,
): Promise<boolean> {
  const key = `${clueNo}-${revision}`;
  const inserted = await tx
    .insertInto('enforcement.outbox')
    .values({
      idempotency_key: key,
      clue_no: clueNo,
      revision,
      body: JSON.stringify(body),
      state: 'pending',
      created_pos: pos,
      last_error: null,
    })
    .onConflict((conflict) => conflict.column('idempotency_key').doNothing())
    .returning('idempotency_key')
    .execute();
  if (inserted.length === 0) {
    const there = await tx
      .selectFrom('enforcement.outbox')
      .select('body')
      .where('idempotency_key', '=', key)
      .executeTakeFirstOrThrow();
    return canonicalJson(there.body) === canonicalJson(body);
  }
  await tx
    .updateTable('enforcement.outbox')
    .set({ state: 'superseded' })
    .where('clue_no', '=', clueNo)
    .where('revision', '<', revision)
    .where('state', '=', 'pending')
    .execute();
  return true;
}
