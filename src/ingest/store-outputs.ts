import { sql, type Transaction } from 'kysely';
import type { Database } from '../database/schema.ts';
import { digestOf } from '../model/digest.ts';
import type { MinuteCellSummary, ShiftResult, Signal, Standing } from '../model/exposure.ts';
import type { Given } from './engine-kit.ts';

type Tx = Transaction<Database>;

/** A key that stands in the database with other content: an alarm, never an update. */
export interface KeyConflict {
  readonly table: 'exposure.window_result' | 'exposure.signal';
  readonly key: string;
}

interface At<T> {
  readonly pos: number;
  readonly value: T;
}

interface Sorted {
  readonly results: At<ShiftResult>[];
  readonly signals: At<Signal>[];
  readonly standings: Map<string, Standing>;
  readonly cells: Map<string, At<MinuteCellSummary>>;
}

/**
 * Stores what entries gave, in the caller's transaction, with at most four statements: results and
 * signals by their keys (there already: a no-op), standings and minute cells as they stand last.
 */
export async function storeOutputs(
  tx: Tx,
  shard: string,
  given: readonly Given[],
): Promise<KeyConflict[]> {
  const { results, signals, standings, cells } = sort(given);
  const conflicts: KeyConflict[] = [];
  if (results.length > 0) conflicts.push(...(await storeResults(tx, shard, results)));
  if (signals.length > 0) conflicts.push(...(await storeSignals(tx, shard, signals)));
  if (standings.size > 0) await storeStandings(tx, [...standings.values()]);
  if (cells.size > 0) await storeCells(tx, shard, [...cells.values()]);
  return conflicts;
}

function sort(given: readonly Given[]): Sorted {
  const sorted: Sorted = { results: [], signals: [], standings: new Map(), cells: new Map() };
  for (const { pos, outputs } of given) {
    for (const output of outputs) {
      switch (output.kind) {
        case 'result':
          sorted.results.push({ pos, value: output.result });
          break;
        case 'signal':
          sorted.signals.push({ pos, value: output.signal });
          break;
        case 'standing': {
          const { post, crew, factor, limitKind } = output.standing.subject;
          sorted.standings.set(`${post} ${crew} ${factor} ${limitKind}`, output.standing);
          break;
        }
        case 'cell': {
          const { channel, minuteMs } = output.cell;
          sorted.cells.set(`${channel.device} ${channel.metric} ${minuteMs}`, {
            pos,
            value: output.cell,
          });
          break;
        }
      }
    }
  }
  return sorted;
}

async function storeResults(
  tx: Tx,
  shard: string,
  results: readonly At<ShiftResult>[],
): Promise<KeyConflict[]> {
  const rows = results.map(({ pos, value }) => ({
    result_key: value.resultKey,
    revision: value.revision,
    input_hash: value.inputHash,
    result_hash: value.resultHash,
    pos,
    verdict: value.verdict,
    enterprise: value.subject.enterprise,
    post: value.subject.post,
    crew: value.subject.crew,
    factor: value.subject.factor,
    limit_kind: value.subject.limitKind,
    shift_start_ms: value.subject.shift.startMs,
    shift_end_ms: value.subject.shift.endMs,
    result: value,
  }));
  const conflicts = await sql<{ key: string }>`
    with given as (
      select * from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as g (
        result_key text, revision int, input_hash text, result_hash text, pos bigint,
        verdict text, enterprise text, post text, crew text, factor text, limit_kind text,
        shift_start_ms bigint, shift_end_ms bigint, result jsonb)
    ), stored as (
      insert into exposure.window_result
        (result_key, revision, input_hash, result_hash, shard, pos, verdict, enterprise, post,
         crew, factor, limit_kind, shift_start_ms, shift_end_ms, result)
      select result_key, revision, input_hash, result_hash, ${shard}, pos, verdict, enterprise,
        post, crew, factor, limit_kind, shift_start_ms, shift_end_ms, result
      from given on conflict (result_key, revision) do nothing
    )
    select given.result_key || '/' || given.revision as key
    from given join exposure.window_result w using (result_key, revision)
    where w.result_hash <> given.result_hash`.execute(tx);
  return conflicts.rows.map(({ key }) => ({ table: 'exposure.window_result', key }));
}

async function storeSignals(
  tx: Tx,
  shard: string,
  signals: readonly At<Signal>[],
): Promise<KeyConflict[]> {
  const rows = signals.map(({ pos, value }) => {
    const content = withoutInputs(value);
    return {
      signal_key: value.signalKey,
      kind: value.kind,
      pos,
      at_ms: value.atMs,
      content_hash: digestOf(content),
      content,
    };
  });
  const conflicts = await sql<{ key: string }>`
    with given as (
      select * from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as g (
        signal_key text, kind text, pos bigint, at_ms bigint, content_hash text, content jsonb)
    ), stored as (
      insert into exposure.signal (signal_key, kind, shard, pos, at_ms, content_hash, content)
      select signal_key, kind, ${shard}, pos, at_ms, content_hash, content
      from given on conflict (signal_key) do nothing
    )
    select given.signal_key as key
    from given join exposure.signal s using (signal_key)
    where s.content_hash <> given.content_hash`.execute(tx);
  return conflicts.rows.map(({ key }) => ({ table: 'exposure.signal', key }));
}

/** The inputs are large and go to the evidence package. */
function withoutInputs(signal: Signal): object {
  if (signal.kind !== 'OVER_LIMIT') return signal;
  const { inputs: _, ...content } = signal;
  return content;
}

async function storeStandings(tx: Tx, standings: readonly Standing[]): Promise<void> {
  const rows = standings.map((standing) => ({
    post: standing.subject.post,
    crew: standing.subject.crew,
    factor: standing.subject.factor,
    limit_kind: standing.subject.limitKind,
    enterprise: standing.subject.enterprise,
    as_of_ms: standing.asOfMs,
    state: standing.state,
    standing,
  }));
  await sql`
    insert into exposure.standing
      (post, crew, factor, limit_kind, enterprise, as_of_ms, state, standing)
    select post, crew, factor, limit_kind, enterprise, as_of_ms, state, standing
    from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as g (
      post text, crew text, factor text, limit_kind text, enterprise text, as_of_ms bigint,
      state text, standing jsonb)
    on conflict (post, crew, factor, limit_kind) do update
      set enterprise = excluded.enterprise, as_of_ms = excluded.as_of_ms,
          state = excluded.state, standing = excluded.standing`.execute(tx);
}

async function storeCells(
  tx: Tx,
  shard: string,
  cells: readonly At<MinuteCellSummary>[],
): Promise<void> {
  const numbers = (of: (cell: MinuteCellSummary) => number | null): string =>
    `{${cells.map(({ value }) => of(value) ?? 'null').join(',')}}`;
  await sql`
    insert into telemetry.minute_cell
      (device, metric, minute_ms, unit, mean, max, covered_seconds, excluded_seconds, pos, shard)
    select *, ${shard} from unnest(
      ${cells.map(({ value }) => value.channel.device)}::text[],
      ${cells.map(({ value }) => value.channel.metric)}::text[],
      ${numbers((cell) => cell.minuteMs)}::bigint[],
      ${cells.map(({ value }) => value.unit)}::text[],
      ${numbers((cell) => cell.mean)}::double precision[],
      ${numbers((cell) => cell.max)}::double precision[],
      ${numbers((cell) => cell.coveredSeconds)}::smallint[],
      ${numbers((cell) => cell.excludedSeconds)}::smallint[],
      ${`{${cells.map(({ pos }) => pos).join(',')}}`}::bigint[])
    on conflict (device, metric, minute_ms) do update
      set unit = excluded.unit, mean = excluded.mean, max = excluded.max,
          covered_seconds = excluded.covered_seconds,
          excluded_seconds = excluded.excluded_seconds,
          pos = excluded.pos, shard = excluded.shard`.execute(tx);
}
