import { type Recording, readRecording } from '../../../simulators/recordings/reader.ts';
import { recordedAt } from '../../../simulators/series.ts';
import type { BatchEntry, JournalEntry } from '../../../src/model/entry.ts';
import { MONITOR_KINDS, type Signal } from '../../../src/model/exposure.ts';
import { ENTITIES, type EntityKind, Fact } from '../../../src/model/facts.ts';
import type { Flag } from '../../../src/model/flags.ts';
import { GatewayId, ZERO_HASH } from '../../../src/model/ids.ts';
import {
  createEngine,
  DEFAULT_ENGINE_SETTINGS,
  type Engine,
} from '../../../src/thresholds/engine.ts';

export const MIN = 60_000;
export const GATEWAY = GatewayId.parse('gw-1');
const USCC = '91330106MA2CFXXX0T';

/** A second of a channel: a value, or a value and its flag; null: nothing comes. */
export type Second = number | null | { readonly value: number | null; readonly flag: Flag };
export type Play = (atMs: number) => Second;

export interface PlayedChannel {
  readonly device: string;
  readonly play: Play;
  /** Seconds between two values; each stands for all of them. */
  readonly stepS: number;
  readonly factor: string;
  readonly unit: string;
  readonly range: readonly [number, number];
  readonly t90S?: number;
  readonly certificateUntilMs?: number;
}

type Column = 'laeqDbA' | 'coMgPerM3' | 'wbgtDegC';

const SOURCES = {
  laeqDbA: {
    recording: 'noise-laeq-1s',
    stepS: 1,
    factor: 'noise',
    unit: 'dB(A)',
    range: [20, 140],
  },
  coMgPerM3: {
    recording: 'air-quality-1h',
    stepS: 20,
    factor: 'carbon-monoxide',
    unit: 'mg/m3',
    range: [0, 500],
  },
  wbgtDegC: { recording: 'wbgt-1min', stepS: 20, factor: 'wbgt', unit: 'degC', range: [0, 60] },
} as const;

const recordings = new Map<string, Recording>();

function recordingOf(column: Column): Recording {
  const { recording: name } = SOURCES[column];
  const known = recordings.get(name) ?? readRecording(name);
  recordings.set(name, known);
  return known;
}

/** The recorded series as a sensor with a register of the given resolution shows it. */
export function recorded(
  column: Column,
  { resolution = 0.01, scale = 1, offset = 0, device = 'dev-1' } = {},
): PlayedChannel & { readonly startMs: number; readonly endMs: number } {
  const recording = recordingOf(column);
  const { stepS, factor, unit, range } = SOURCES[column];
  const startMs = Math.ceil(recording.wallMs[0]! / MIN) * MIN;
  const endMs = Math.floor(recording.wallMs.at(-1)! / MIN) * MIN;
  const play = (atMs: number): Second => {
    const value = recordedAt(recording, column, atMs);
    return value === null ? null : Math.round((value * scale + offset) / resolution) * resolution;
  };
  return { device, play, stepS, factor, unit, range, startMs, endMs };
}

function fact(entity: EntityKind, id: string, value: object): Fact {
  const source = { by: 'test', sha256: '' };
  return Fact.parse({
    v: 1,
    entity,
    id,
    validFromMs: 0,
    value: ENTITIES[entity].parse(value),
    source,
  });
}

function facts(channels: readonly PlayedChannel[], production?: string): Fact[] {
  const hazards = channels
    .filter(({ device }) => device !== production)
    .map(({ device, factor }) => ({ factor, primary: { device, metric: 'x' } }));
  return [
    fact('enterprise', USCC, { uscc: USCC, name: 'E', region: '330106' }),
    fact('post', 'post-1', {
      id: 'post-1',
      enterprise: USCC,
      name: 'P',
      exposedWorkers: 3,
      labourIntensity: 'II',
      hazards,
      production:
        production === undefined
          ? null
          : { channel: { device: production, metric: 'x' }, above: 0.5 },
    }),
    fact('point', 'pt-1', { id: 'pt-1', post: 'post-1', location: 'L' }),
    ...channels.map(({ device, factor, unit, range, t90S, certificateUntilMs }) =>
      fact('device', device, {
        id: device,
        point: 'pt-1',
        gateway: GATEWAY,
        model: 'm',
        serial: 's',
        metrics: [{ metric: 'x', factor, unit, range, uncertainty: { abs: 1 }, t90S: t90S ?? 0 }],
        certificate: {
          number: 'JL-1',
          issuer: 'Institute of Metrology',
          mode: 'VERIFIED',
          fromMs: 0,
          untilMs: certificateUntilMs ?? Date.parse('2035-01-01T00:00:00Z'),
        },
      }),
    ),
  ];
}

export interface PlayOptions {
  readonly startMs: number;
  readonly minutes: number;
  readonly production?: string;
  /** What the gateway says of its clock at a time. */
  readonly clock?: (atMs: number) => object;
  /** What its clock shows then. */
  readonly createdAt?: (atMs: number) => number;
}

/** The journal of a gateway that sends the channels minute by minute, with the hub's ticks. */
export function* journalOf(
  channels: readonly PlayedChannel[],
  { startMs, minutes, production, clock, createdAt = (atMs) => atMs }: PlayOptions,
): Generator<JournalEntry> {
  let pos = 0;
  const base = (receivedAtMs: number) => ({ pos: ++pos, receivedAtMs, sha256: ZERO_HASH });
  for (const known of facts(channels, production)) {
    yield { ...base(startMs - MIN), kind: 'fact', fact: known };
  }
  for (let minute = 0; minute < minutes; minute++) {
    const fromMs = startMs + minute * MIN;
    const endMs = fromMs + MIN;
    const frames = channels.flatMap((channel) => framesOf(channel, fromMs));
    if (frames.length > 0) {
      yield {
        ...base(endMs),
        kind: 'batch',
        gateway: GATEWAY,
        topic: 'live',
        epoch: null,
        seq: null,
        conflict: false,
        batch: {
          v: 1,
          gateway: GATEWAY,
          createdAt: createdAt(endMs),
          ...(clock === undefined ? {} : { clock: clock(endMs) }),
          frames,
        },
      } as unknown as BatchEntry;
    }
    yield { ...base(endMs), kind: 'tick', atMs: endMs };
  }
}

function framesOf({ device, play, stepS }: PlayedChannel, fromMs: number): object[] {
  const frames: object[] = [];
  for (let second = stepS; second <= 60; second += stepS) {
    const at = fromMs + second * 1_000;
    const given = play(at);
    if (given === null) continue;
    const { value, flag } =
      typeof given === 'number' ? { value: given, flag: 'N' as const } : given;
    const flags = flag === 'N' ? {} : { flags: { x: flag } };
    frames.push({ device, at, spanMs: stepS * 1_000, values: { x: value }, ...flags });
  }
  return frames;
}

const isMonitorKind = (kind: string): boolean =>
  (MONITOR_KINDS as readonly string[]).includes(kind);

/** What the detectors told over the journal, oldest first. */
export function findings(
  channels: readonly PlayedChannel[],
  options: PlayOptions,
  engine: Engine = createEngine(DEFAULT_ENGINE_SETTINGS),
): Extract<Signal, { detail: unknown }>[] {
  const told: Extract<Signal, { detail: unknown }>[] = [];
  for (const entry of journalOf(channels, options)) {
    for (const output of engine.step(entry)) {
      if (output.kind !== 'signal' || !('detail' in output.signal)) continue;
      if (isMonitorKind(output.signal.kind)) told.push(output.signal);
    }
  }
  return told;
}
