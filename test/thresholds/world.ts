import type { Batch, ClockState, Frame } from '../../src/model/batch.ts';
import { sha256Hex } from '../../src/model/digest.ts';
import type {
  BatchEntry,
  FactEntry,
  GapEntry,
  JournalEntry,
  TickEntry,
} from '../../src/model/entry.ts';
import type { EngineOutput, ShiftResult, Signal } from '../../src/model/exposure.ts';
import { ENTITIES, type EntityKind, Fact } from '../../src/model/facts.ts';
import type { Flag } from '../../src/model/flags.ts';
import { GatewayId, Ulid, ZERO_HASH } from '../../src/model/ids.ts';
import { createEngine, DEFAULT_ENGINE_SETTINGS, type Engine } from '../../src/thresholds/engine.ts';

/** Monday 2025-06-02, 08:00 in Shanghai: the start of the day shift of every world. */
export const DAY_START_MS = Date.parse('2025-06-02T00:00:00Z');
export const MIN = 60_000;
export const HOUR = 3_600_000;
export const DAY = 86_400_000;

export const GATEWAY = GatewayId.parse('gw-1');
export const USCC = '91330106MA2CFXXX0T';

export interface WorldOptions {
  readonly factor?: string;
  readonly unit?: string;
  readonly range?: readonly [number, number];
  readonly uncertainty?: { abs: number; rel?: number } | null;
  readonly t90S?: number;
  readonly lod?: number;
  readonly specific?: boolean;
  readonly basis?: string;
  readonly declaredMinutes?: number;
  readonly daysPerWeek?: number;
  readonly shifts?: readonly object[];
  readonly altitudeM?: number;
  readonly labourIntensity?: string;
  readonly hotRegion?: boolean;
  readonly timeZone?: string;
  readonly certificate?: object | null;
}

export const DAY_SHIFT = { name: 'day', days: [1, 2, 3, 4, 5], start: '08:00', end: '16:00' };

const CERTIFICATE = {
  number: 'JL-1',
  issuer: 'Institute of Metrology',
  mode: 'VERIFIED',
  fromMs: 0,
  untilMs: Date.parse('2030-01-01T00:00:00Z'),
};

/** One fact as it would stand in the journal. */
export function fact(entity: EntityKind, value: { id: string } | object, validFromMs = 0): Fact {
  const id = entity === 'enterprise' ? USCC : (value as { id: string }).id;
  const source = { by: 'test', sha256: '' };
  const parsed = ENTITIES[entity].parse(value);
  return Fact.parse({ v: 1, entity, id, validFromMs, value: parsed, source });
}

export function deviceFact(options: WorldOptions = {}, validFromMs = 0): Fact {
  return fact(
    'device',
    {
      id: 'dev-1',
      point: 'pt-1',
      gateway: GATEWAY,
      model: 'm',
      serial: 's',
      metrics: [
        {
          metric: 'x',
          factor: options.factor ?? 'carbon-monoxide',
          unit: options.unit ?? 'mg/m3',
          range: options.range ?? [0, 500],
          uncertainty: options.uncertainty === undefined ? { abs: 1 } : options.uncertainty,
          t90S: options.t90S ?? 0,
          lod: options.lod ?? 0,
          specific: options.specific ?? true,
        },
      ],
      certificate: options.certificate === undefined ? CERTIFICATE : options.certificate,
    },
    validFromMs,
  );
}

export function crewFact(options: WorldOptions = {}, validFromMs = 0): Fact {
  return fact(
    'crew',
    {
      id: 'crew-1',
      post: 'post-1',
      name: 'A',
      workers: 3,
      basis: options.basis ?? 'SCHEDULE',
      ...(options.declaredMinutes ? { declaredMinutes: options.declaredMinutes } : {}),
      daysPerWeek: options.daysPerWeek ?? 5,
      shifts: options.shifts ?? [DAY_SHIFT],
    },
    validFromMs,
  );
}

/** One enterprise, post, crew, point, device with the metric `x`. */
export function worldFacts(options: WorldOptions = {}): Fact[] {
  const factor = options.factor ?? 'carbon-monoxide';
  return [
    fact('enterprise', {
      uscc: USCC,
      name: 'E',
      region: '330106',
      timeZone: options.timeZone ?? 'Asia/Shanghai',
    }),
    fact('post', {
      id: 'post-1',
      enterprise: USCC,
      name: 'P',
      exposedWorkers: 3,
      altitudeM: options.altitudeM ?? 0,
      ...(options.labourIntensity ? { labourIntensity: options.labourIntensity } : {}),
      hotRegion: options.hotRegion ?? false,
      hazards: [{ factor, primary: { device: 'dev-1', metric: 'x' } }],
    }),
    crewFact(options),
    fact('point', { id: 'pt-1', post: 'post-1', location: 'L' }),
    deviceFact(options),
  ];
}

/** Numbers the entries of a test's journal. */
export interface TestJournal {
  fact(fact: Fact, receivedAtMs: number): FactEntry;
  tick(atMs: number): TickEntry;
  batch(batch: TestBatch, receivedAtMs: number): BatchEntry;
  gap(
    gap: Omit<GapEntry, 'kind' | 'pos' | 'receivedAtMs' | 'sha256'>,
    receivedAtMs: number,
  ): GapEntry;
}

/** A batch before it is received; made by a chain, or without numbers by a simple producer. */
export interface TestBatch {
  readonly epoch: string | null;
  readonly seq: number | null;
  readonly prev: string | null;
  readonly hash: string;
  readonly frames: readonly TestFrame[];
  readonly clock?: ClockState;
  readonly conflict?: boolean;
  readonly gateway?: GatewayId;
}

export interface TestFrame {
  readonly at: number;
  readonly spanMs: number;
  readonly value: number | null;
  readonly flag?: Flag;
  readonly device?: string;
  readonly metric?: string;
}

export function createTestJournal(): TestJournal {
  let pos = 0;
  const base = (receivedAtMs: number) => ({ pos: ++pos, receivedAtMs, sha256: ZERO_HASH });
  return {
    fact: (value, receivedAtMs) => ({ ...base(receivedAtMs), kind: 'fact', fact: value }),
    tick: (atMs) => ({ ...base(atMs), kind: 'tick', atMs }),
    gap: (gap, receivedAtMs) => ({ ...base(receivedAtMs), kind: 'gap', ...gap }),
    batch: (batch, receivedAtMs) => ({
      ...base(receivedAtMs),
      sha256: batch.hash,
      kind: 'batch',
      gateway: batch.gateway ?? GATEWAY,
      topic: 'live',
      epoch: batch.epoch === null ? null : Ulid.parse(batch.epoch),
      seq: batch.seq,
      conflict: batch.conflict ?? false,
      // Valid by construction: checking tens of thousands of frames would be most of a test's time.
      batch: {
        v: 1,
        gateway: batch.gateway ?? GATEWAY,
        ...(batch.epoch === null ? {} : { epoch: batch.epoch, seq: batch.seq, prev: batch.prev }),
        createdAt: receivedAtMs,
        ...(batch.clock ? { clock: batch.clock } : {}),
        frames: batch.frames.map(frameOf),
      } as unknown as Batch,
    }),
  };
}

/** A frame as the wire gives it. */
export function frameOf(frame: TestFrame): Frame {
  const { at, spanMs, value, flag, device = 'dev-1', metric = 'x' } = frame;
  return {
    device,
    at,
    spanMs,
    values: { [metric]: value },
    ...(flag ? { flags: { [metric]: flag } } : {}),
  } as unknown as Frame;
}

export const EPOCH = '01JX0000000000000000000000';

/** Numbers and chains batches of frames in the given order, as a gateway does. */
export function chained(
  batches: readonly (readonly TestFrame[])[],
  epoch = EPOCH,
  firstPrev: string = ZERO_HASH,
): TestBatch[] {
  let prev = firstPrev;
  return batches.map((frames, i) => {
    const seq = i + 1;
    const hash = sha256Hex(`${epoch} ${seq} ${JSON.stringify(frames)}`);
    const batch = { epoch, seq, prev, hash, frames };
    prev = hash;
    return batch;
  });
}

/** Batches of a producer that numbers nothing. */
export const unnumbered = (batches: readonly (readonly TestFrame[])[]): TestBatch[] =>
  batches.map((frames) => ({
    epoch: null,
    seq: null,
    prev: null,
    hash: sha256Hex(JSON.stringify(frames)),
    frames,
  }));

/** Minute means: `[value, minutes]` one after the other from `fromMs`; null: a hole. */
export function minutes(
  segments: readonly (readonly [number | null, number])[],
  fromMs = DAY_START_MS,
): TestFrame[] {
  const frames: TestFrame[] = [];
  let at = fromMs;
  for (const [value, count] of segments) {
    for (let i = 0; i < count; i++) {
      at += MIN;
      if (value !== null) frames.push({ at, spanMs: MIN, value });
    }
  }
  return frames;
}

/** One value a second from `fromMs`. */
export const seconds = (values: readonly (number | null)[], fromMs = DAY_START_MS): TestFrame[] =>
  values.flatMap((value, i) =>
    value === null ? [] : [{ at: fromMs + (i + 1) * 1_000, spanMs: 1_000, value }],
  );

export const chunked = <T>(items: readonly T[], size: number): T[][] =>
  Array.from({ length: Math.ceil(items.length / size) }, (_, i) =>
    items.slice(i * size, (i + 1) * size),
  );

export interface Run {
  readonly engine: Engine;
  readonly outputs: EngineOutput[];
  readonly results: ShiftResult[];
  readonly signals: Signal[];
  /** Last revision of a kind of limit in the first shift. */
  last(limitKind: string): ShiftResult;
}

export function runEntries(
  entries: readonly JournalEntry[],
  engine = createEngine(DEFAULT_ENGINE_SETTINGS),
): Run {
  const outputs = entries.flatMap((entry) => engine.step(entry));
  const results = outputs.flatMap((o) => (o.kind === 'result' ? [o.result] : []));
  const signals = outputs.flatMap((o) => (o.kind === 'signal' ? [o.signal] : []));
  return {
    engine,
    outputs,
    results,
    signals,
    last(limitKind) {
      const ofKind = results.filter(({ subject }) => subject.limitKind === limitKind);
      const first = Math.min(...ofKind.map(({ subject }) => subject.shift.startMs));
      const found = ofKind.findLast(({ subject }) => subject.shift.startMs === first);
      if (found === undefined) throw new Error(`no result for ${limitKind}`);
      return found;
    },
  };
}

/** Facts, then batches each received when its last frame ended, then ticks until all is closed. */
export function liveJournal(options: WorldOptions, batches: readonly TestBatch[]): JournalEntry[] {
  const journal = createTestJournal();
  const start = DAY_START_MS - DAY;
  let now = start;
  const entries: JournalEntry[] = worldFacts(options).map((f) => journal.fact(f, start));
  for (const batch of batches) {
    now = Math.max(now, ...batch.frames.map(({ at }) => at));
    entries.push(journal.batch(batch, now + 100));
  }
  for (let i = 1; i <= 24; i++)
    entries.push(journal.tick(Math.max(now, DAY_START_MS + DAY) + i * HOUR));
  return entries;
}

/** The day of a world in which the channel `x` reads `frames`. */
export const runDay = (options: WorldOptions, frames: readonly TestFrame[]): Run =>
  runEntries(liveJournal(options, chained(chunked(frames, 10))));
