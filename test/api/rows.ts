import type { Kysely } from 'kysely';
import { CLUE_LABEL, ClueBody } from '../../src/alerts/clue-body.ts';
import type { Database } from '../../src/database/schema.ts';
import { digestOf } from '../../src/model/digest.ts';
import type {
  MinuteCellSummary,
  RuleSubject,
  ShiftResult,
  Standing,
} from '../../src/model/exposure.ts';
import type { EntityKind, EntityOf } from '../../src/model/facts.ts';
import { ENTITIES } from '../../src/model/facts.ts';
import type { AppliedLimit } from '../../src/model/limits.ts';

export const SHARD = 'default';

/** 2025-11-24 00:00 in Shanghai. */
export const DAY_START_MS = Date.UTC(2025, 10, 23, 16);

export const USCC = '91330106MA2ABCDE12';

export const limitOf = (changes: Partial<AppliedLimit> = {}): AppliedLimit => ({
  factor: 'carbon-monoxide' as AppliedLimit['factor'],
  kind: 'PC_STEL',
  value: 30,
  unit: 'mg/m3',
  standard: 'GBZ 2.1-2019',
  clause: 'table 1',
  force: 'MANDATORY',
  confirmed: true,
  ...changes,
});

/** Identifiers as plain text: the rows are what the parts before the API store. */
type Plain<T> = { [K in keyof T]?: T[K] extends string ? string : T[K] };

export const subjectOf = (changes: Plain<RuleSubject> = {}): RuleSubject =>
  ({
    enterprise: USCC,
    region: '330106',
    post: 'casting',
    crew: 'casting-day',
    point: 'casting-1',
    factor: 'carbon-monoxide',
    limitKind: 'PC_STEL',
    channel: { device: 'co-01', metric: 'co' },
    gateway: 'gw-330106-0001',
    shift: {
      name: '白班',
      startMs: DAY_START_MS + 8 * 3_600_000,
      endMs: DAY_START_MS + 16 * 3_600_000,
    },
    ...changes,
  }) as RuleSubject;

export function standingOf(changes: Partial<Standing> = {}): Standing {
  const subject = changes.subject ?? subjectOf();
  return {
    resultKey: digestOf([subject.post, subject.crew, subject.factor, subject.limitKind]),
    subject,
    limit: limitOf(),
    asOfMs: DAY_START_MS + 12 * 3_600_000,
    current: 24,
    projected: 30,
    ratio: 0.8,
    difference: null,
    state: 'near',
    ...changes,
  };
}

export function resultOf(changes: Partial<ShiftResult> = {}): ShiftResult {
  const subject = changes.subject ?? subjectOf();
  const { startMs, endMs } = subject.shift;
  const content = {
    resultKey: digestOf([subject.post, subject.crew, subject.factor, subject.limitKind, startMs]),
    revision: 1,
    subject,
    basis: 'SCHEDULE' as const,
    limit: limitOf(),
    verdict: 'within' as const,
    caps: [],
    window: { startMs, endMs: startMs + 900_000, lowerBound: 24, estimate: 24.5 },
    uncertainty: 1.2,
    ratio: 0.8,
    difference: null,
    coverage: 0.98,
    contactMinutes: Math.round((endMs - startMs) / 60_000),
    observedSeconds: Math.round((endMs - startMs) / 1_000),
    excludedSeconds: {},
    certainAtMs: null,
    firstExceedAtMs: null,
    lastExceedAtMs: null,
    episodes: [],
    inputHash: digestOf(['inputs', subject, changes.revision ?? 1]),
    ...changes,
  };
  return { ...content, resultHash: digestOf(content) };
}

export async function insertStanding(db: Kysely<Database>, standing: Standing): Promise<void> {
  const { subject } = standing;
  await db
    .insertInto('exposure.standing')
    .values({
      post: subject.post,
      crew: subject.crew,
      factor: subject.factor,
      limit_kind: subject.limitKind,
      enterprise: subject.enterprise,
      as_of_ms: standing.asOfMs,
      state: standing.state,
      standing: JSON.stringify(standing),
    })
    .execute();
}

export async function insertResult(db: Kysely<Database>, result: ShiftResult): Promise<void> {
  const { subject } = result;
  await db
    .insertInto('exposure.window_result')
    .values({
      result_key: result.resultKey,
      revision: result.revision,
      input_hash: result.inputHash,
      result_hash: result.resultHash,
      shard: SHARD,
      pos: 1,
      verdict: result.verdict,
      enterprise: subject.enterprise,
      post: subject.post,
      crew: subject.crew,
      factor: subject.factor,
      limit_kind: subject.limitKind,
      shift_start_ms: subject.shift.startMs,
      shift_end_ms: subject.shift.endMs,
      result: JSON.stringify(result),
    })
    .execute();
}

export async function insertCells(
  db: Kysely<Database>,
  cells: readonly MinuteCellSummary[],
): Promise<void> {
  const rows = cells.map((cell) => ({
    device: cell.channel.device,
    metric: cell.channel.metric,
    minute_ms: cell.minuteMs,
    unit: cell.unit,
    mean: cell.mean,
    max: cell.max,
    covered_seconds: cell.coveredSeconds,
    excluded_seconds: cell.excludedSeconds,
  }));
  for (let from = 0; from < rows.length; from += 1_000) {
    await db
      .insertInto('telemetry.minute_cell')
      .values(rows.slice(from, from + 1_000))
      .execute();
  }
}

let factPos = 0;

/** The fact of an entity as the registry's projection keeps it; `value` null ends it. */
export async function insertFact<K extends EntityKind>(
  db: Kysely<Database>,
  entity: K,
  id: string,
  value: Plain<EntityOf<K>> | null,
  validFromMs = 0,
): Promise<void> {
  factPos += 1;
  await db
    .insertInto('registry.fact')
    .values({
      shard: SHARD,
      pos: factPos,
      entity,
      id,
      valid_from_ms: validFromMs,
      value: value === null ? null : JSON.stringify(ENTITIES[entity].parse(value)),
      source: JSON.stringify({ by: 'test', sha256: '' }),
    })
    .execute();
}

export interface ClueSpec {
  readonly clueNo: string;
  readonly state: string;
  readonly pos: number;
  readonly result: ShiftResult;
  readonly enterpriseName: string;
  readonly postName: string;
  readonly revision?: number;
  readonly status?: ClueBody['status'];
  readonly evidence?: ClueBody['evidence'];
  readonly platformNo?: string;
  readonly behaviorCode?: string;
  readonly dueAtMs?: number;
  /** The revision that waits to follow a released one. */
  readonly pending?: ClueBody;
}

export function clueBodyOf(spec: ClueSpec): ClueBody {
  const { result } = spec;
  const { subject, limit, window } = result;
  return ClueBody.parse({
    schemaVersion: 1,
    clueNo: spec.clueNo,
    revision: spec.revision ?? 1,
    kind: 'OVER_LIMIT',
    label: CLUE_LABEL,
    status: spec.status ?? 'STANDING',
    force: limit.force,
    agency: '示例区卫生健康局',
    enterprise: { uscc: subject.enterprise, name: spec.enterpriseName, region: subject.region },
    post: { id: subject.post, name: spec.postName },
    point: { id: subject.point, location: '操作位旁 1.5 m' },
    crew: subject.crew,
    exposureBasis: result.basis,
    deductsProtectiveEquipment: false,
    factor: subject.factor,
    limit: {
      kind: limit.kind,
      value: limit.value,
      unit: limit.unit,
      standard: limit.standard,
      clause: limit.clause,
    },
    observed: {
      value: window.estimate,
      lowerBound: window.lowerBound,
      ratio: result.ratio,
      difference: result.difference,
      start: window.startMs,
      end: window.endMs,
      coverage: result.coverage,
      uncertainty: result.uncertainty,
      verdict: result.verdict,
    },
    firstExceedAt: result.firstExceedAtMs,
    lastExceedAt: result.lastExceedAtMs,
    episodes: [],
    shifts: [],
    exposedWorkers: 6,
    corroboration: { telemetry: 'NONE', patrol: 'NONE', lab: 'NONE' },
    contraryEvidence: [],
    production: 'UNKNOWN',
    siting: 'UNKNOWN',
    lastFieldCheck: null,
    lastParallelComparison: null,
    lastStatutoryTest: null,
    evidenceLevel: 'LEAD',
    evidence: spec.evidence ?? null,
    candidateProvisions: [],
    lane: 'RECTIFY_FIRST',
    priority: 'NORMAL',
  });
}

/** A clue as alerts store it: the body with the ledger beside it. */
export async function insertClue(db: Kysely<Database>, spec: ClueSpec): Promise<void> {
  const { subject } = spec.result;
  await db
    .insertInto('enforcement.clue')
    .values({
      clue_no: spec.clueNo,
      kind: 'OVER_LIMIT',
      state: spec.state,
      enterprise: subject.enterprise,
      region: subject.region,
      post: subject.post,
      crew: subject.crew,
      factor: subject.factor,
      limit_kind: subject.limitKind,
      shift_start_ms: subject.shift.startMs,
      revision: spec.pending?.revision ?? spec.revision ?? 1,
      due_at_ms: spec.dueAtMs ?? subject.shift.endMs,
      body: JSON.stringify({
        ...clueBodyOf(spec),
        pending: spec.pending ?? null,
        ledger: { entries: [] },
      }),
      platform_no: spec.platformNo ?? null,
      behavior_code: spec.behaviorCode ?? null,
      opened_pos: spec.pos,
      updated_pos: spec.pos,
    })
    .execute();
}

export async function insertOutbox(
  db: Kysely<Database>,
  row: {
    readonly clueNo: string;
    readonly revision: number;
    readonly state: 'pending' | 'sent' | 'superseded' | 'dead';
    readonly attempts?: number;
    readonly lastError?: string;
  },
): Promise<string> {
  const key = `${row.clueNo}-${row.revision}`;
  await db
    .insertInto('enforcement.outbox')
    .values({
      idempotency_key: key,
      clue_no: row.clueNo,
      revision: row.revision,
      body: JSON.stringify({}),
      state: row.state,
      created_pos: 1,
      attempts: row.attempts ?? 1,
      last_error: row.lastError ?? null,
    })
    .execute();
  return key;
}
