import type { Generated } from 'kysely';

/**
 * The tables of the one PostgreSQL, as kysely sees them. int8 columns are read as numbers (positions
 * and times stay far below 2^53); `bytea` as Buffer; `jsonb` as parsed JSON.
 */
export interface Database {
  'telemetry.shard': ShardTable;
  'telemetry.block': BlockTable;
  'telemetry.evaluator_lease': LeaseColumns;
  'telemetry.hub_process': HubProcessTable;
  'telemetry.hub_request': HubRequestTable;
  'telemetry.gateway_number': GatewayNumberTable;
  'telemetry.gateway_progress': GatewayProgressTable;
  'telemetry.dead_letter': DeadLetterTable;
  'telemetry.sink_cursor': SinkCursorTable;
  'telemetry.unparked': UnparkedTable;
  'telemetry.minute_cell': MinuteCellTable;
  'registry.fact': FactTable;
  'exposure.window_result': WindowResultTable;
  'exposure.signal': SignalTable;
  'exposure.standing': StandingTable;
  'exposure.engine_checkpoint': EngineCheckpointTable;
  'exposure.checkpoint_piece': CheckpointPieceTable;
  'enforcement.episode': EpisodeTable;
  'enforcement.clue': ClueTable;
  'enforcement.clue_event': ClueEventTable;
  'enforcement.outbox': OutboxTable;
  'enforcement.push': PushTable;
  'enforcement.receipt': ReceiptTable;
  'enforcement.evidence_package': EvidencePackageTable;
  'enforcement.evidence_claim': EvidenceClaimTable;
  'enforcement.evidence_raw': EvidenceRawTable;
  'enforcement.evidence_use': EvidenceUseTable;
}

/** The right to write something of a shard; who may move the output cursor is a table of only these. */
export interface LeaseColumns {
  shard: string;
  /** Raised by whoever takes the lease; a writer with another token writes nothing. */
  token: number;
  holder: string;
  until_ms: number;
}

/** How far parked batches of a later version were looked for, by builds that can read it. */
export interface UnparkedTable {
  shard: string;
  version: number;
  pos: number;
}

/** A hub process that is there, or was. */
export interface HubProcessTable {
  process: string;
  shard: string;
  roles: string[];
  /** Live numbers of its roles, plain JSON. */
  stats: unknown;
  seen_at: Date;
}

/** What one process asks of the one with the role ingest; answered once. */
export interface HubRequestTable {
  id: Generated<number>;
  shard: string;
  request: unknown;
  made_at: Generated<Date>;
  /** Null: nobody has begun with it. */
  taken_at: Date | null;
  answer: unknown;
}

/** The lease and the head of the journal of one shard: one row, updated by each journal transaction. */
export interface ShardTable extends LeaseColumns {
  /** Last position given out. */
  pos: number;
  /** Hash of the last block; the next block holds it. */
  head_hash: Buffer;
}

/** The journal: one row per group commit, partitioned by commit day. */
export interface BlockTable {
  shard: string;
  pos_from: number;
  pos_to: number;
  committed_at: Date;
  prev_hash: Buffer;
  hash: Buffer;
  /** zstd of the JSON columns that describe each entry. */
  header: Buffer;
  /** zstd of the raw payloads, one after the other. */
  body: Buffer;
  /** Numbers of the gateways in the block, for the index. */
  gateways: number[];
  /** Range of event time in the block; null: no readings in it. */
  at_min_ms: number | null;
  at_max_ms: number | null;
}

/** Short numbers for gateways in the block index. */
export interface GatewayNumberTable {
  gateway: string;
  number: Generated<number>;
}

/** What is stored of each gateway's epoch: uniqueness rests on it and survives dropped partitions. */
export interface GatewayProgressTable {
  shard: string;
  gateway: string;
  epoch: string;
  /** Every seq from 1 to this is stored or settled. */
  durable: number;
  /** JSON `[[from, to], …]` above `durable`, ascending. */
  stored: [number, number][];
  /** Highest `upTo` of a stored seal; 0: none. */
  sealed: number;
  updated_pos: number;
}

export interface DeadLetterTable {
  id: Generated<number>;
  shard: string;
  received_at: Date;
  source: string;
  topic: string;
  reason: string;
  detail: string;
  sha256: string;
  raw: Buffer;
  /** When it was last taken up again, and what became of it; null: never. */
  replayed_at: Generated<Date | null>;
  replay_outcome: Generated<string | null>;
}

/** Where each reader of the journal stands; `evaluator` is the output cursor. */
export interface SinkCursorTable {
  shard: string;
  name: string;
  pos: number;
}

export interface MinuteCellTable {
  device: string;
  metric: string;
  minute_ms: number;
  unit: string;
  mean: number | null;
  max: number | null;
  covered_seconds: number;
  excluded_seconds: number;
  shard: Generated<string>;
  /** Journal entry that gave it last. */
  pos: Generated<number>;
}

/** Facts as the journal holds them, projected for look-up. */
export interface FactTable {
  shard: string;
  pos: number;
  entity: string;
  id: string;
  valid_from_ms: number;
  /** The fact's `value`; null: the entity ends. */
  value: unknown;
  source: unknown;
}

export interface WindowResultTable {
  result_key: string;
  revision: number;
  input_hash: string;
  result_hash: string;
  shard: string;
  pos: number;
  verdict: string;
  enterprise: string;
  post: string;
  crew: string;
  factor: string;
  limit_kind: string;
  shift_start_ms: number;
  shift_end_ms: number;
  result: unknown;
}

export interface SignalTable {
  signal_key: string;
  kind: string;
  shard: string;
  pos: number;
  at_ms: number;
  /** Digest of the content: the same key with other content is an alarm, never an update. */
  content_hash: string;
  /** The signal without `inputs`, which go to the evidence package. */
  content: unknown;
}

export interface StandingTable {
  post: string;
  crew: string;
  factor: string;
  limit_kind: string;
  enterprise: string;
  as_of_ms: number;
  state: string;
  standing: unknown;
}

export interface EngineCheckpointTable {
  shard: string;
  pos: number;
  engine_version: number;
  settings_hash: string;
  /** Of the body. */
  checksum: string;
  created_at: Date;
  /** zstd of a line for each piece: name, SHA-256, bytes. */
  body: Buffer;
}

export interface CheckpointPieceTable {
  shard: string;
  /** SHA-256 of the piece, lower-case hex. */
  digest: string;
  /** zstd of the piece. */
  body: Buffer;
}

export interface EpisodeTable {
  episode_key: string;
  clue_no: string;
  start_ms: number;
  end_ms: number;
  lower_bound_max: number;
  pos: number;
}

export interface ClueTable {
  clue_no: string;
  kind: string;
  state: string;
  enterprise: string;
  region: string;
  post: string;
  crew: string;
  factor: string;
  limit_kind: string;
  /** Start of the shift that opened it. */
  shift_start_ms: number;
  /** Latest revision; 0: not yet fit to push. */
  revision: number;
  /** Hub time (journaled) from which the latest revision may be pushed. */
  due_at_ms: number;
  /** What the latest revision says (clue body of design §4.2). */
  body: unknown;
  platform_no: string | null;
  behavior_code: string | null;
  opened_pos: number;
  updated_pos: number;
}

/** What happened to a clue, append-only; the clue row is the fold. */
export interface ClueEventTable {
  clue_no: string;
  seq: number;
  type: string;
  at_ms: number;
  pos: number;
  reason: string;
  detail: unknown;
}

/** Truth of what must be sent; a queue job is only a pointer to it. */
export interface OutboxTable {
  /** `{clueNo}-{revision}`. */
  idempotency_key: string;
  clue_no: string;
  revision: number;
  body: unknown;
  state: 'pending' | 'sent' | 'superseded' | 'dead';
  created_pos: number;
  attempts: Generated<number>;
  last_error: string | null;
  next_attempt_at: Generated<Date>;
}

export interface PushTable {
  id: Generated<number>;
  idempotency_key: string;
  attempt: number;
  at: Generated<Date>;
  request_sha256: string;
  /** HTTP status; null: no answer. */
  status: number | null;
  detail: string;
  took_ms: number;
}

export interface ReceiptTable {
  idempotency_key: string;
  platform_no: string;
  behavior_code: string | null;
  at: Generated<Date>;
  body: unknown;
}

export interface EvidencePackageTable {
  /** SHA-256 of the canonical JSON. */
  package_id: string;
  clue_no: string;
  revision: number;
  sm3: string;
  bytes: number;
  /** zstd of the canonical JSON. */
  body: Buffer;
}

/** Raw payloads that the evidence of a clue needs; until they are copied no partition drops that has them. */
export interface EvidenceClaimTable {
  package_id: string;
  clue_no: string;
  shard: string;
  devices: string[];
  /** Event time that the package was made from. */
  from_ms: number;
  to_ms: number;
  /** Journal position of the signal. */
  pos: number;
  /** `unsealed`: copied, but no seal of the gateway covers all of it. */
  state: Generated<'waiting' | 'sealed' | 'unsealed'>;
  tries: Generated<number>;
  next_try_at: Date;
  /** What the platform said of its seals; null: nothing so far. */
  told: Generated<'accepted' | 'refused' | null>;
  tell_tries: Generated<number>;
  tell_after: Generated<Date>;
  tell_error: Generated<string | null>;
}

/** Journal entries that outlive their partition, with their bytes. */
export interface EvidenceRawTable {
  shard: string;
  pos: number;
  kind: string;
  gateway: string;
  epoch: string | null;
  /** Batch: seq; gap: from; seal: upTo. */
  seq: number | null;
  /** Gap: last seq of the range. */
  seq_to: number | null;
  received_at_ms: number;
  sha256: string;
  raw: Buffer;
  dialect: Generated<string>;
  /** What the bytes are read with (`decodePayload`). */
  context: string | null;
}

/** Which entries belong to which package. */
export interface EvidenceUseTable {
  package_id: string;
  shard: string;
  pos: number;
}
