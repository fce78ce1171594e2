import { isUtf8 } from 'node:buffer';
import { BATCH_BYTES_MAX, BATCH_VALUES_MAX, type Batch } from '../model/batch.ts';
import { FLAGS } from '../model/flags.ts';
import type { GatewayId, Ulid } from '../model/ids.ts';
import { LATER_VERSIONS } from './later-versions.ts';
import { isNameText, isSha256Text, isUlidText } from './plain-text.ts';

export type RejectionReason =
  | 'oversize'
  | 'invalid-utf8'
  | 'invalid-json'
  | 'invalid-envelope'
  | 'invalid-batch';

/** Why bytes are not a batch, with the place of the first fault. */
export interface Rejection {
  readonly kind: 'rejected';
  readonly reason: RejectionReason;
  /** Like `frames.3.values.laeq`; empty: the message as a whole. */
  readonly path: string;
  readonly expected: string;
  /** Its place in its gateway's chain, when the envelope is sound: the place is taken all the same. */
  readonly place: Place | null;
}

/** Where a message stands in its gateway's chain. */
export interface Place {
  readonly epoch: Ulid;
  readonly seq: number;
}

/** A valid envelope of a version that this build can't read. */
export interface ParkedMessage {
  readonly kind: 'parked';
  readonly version: number;
  readonly gateway: GatewayId;
  /** Both null when the envelope names no position. */
  readonly epoch: Ulid | null;
  readonly seq: number | null;
}

export type Validated =
  | {
      readonly kind: 'batch';
      readonly batch: Batch;
      /** Values in its frames. */
      readonly readings: number;
    }
  | ParkedMessage
  | Rejection;

type Fields = Record<string, unknown>;

const CLOCK_SOURCES: ReadonlySet<unknown> = new Set(['gps', 'ntp', 'ptp', 'free', 'virtual']);

const isName = (value: unknown): boolean => typeof value === 'string' && isNameText(value);
const isInteger = (value: unknown, min: number): value is number =>
  Number.isSafeInteger(value) && (value as number) >= min;
const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The first fault found. Written flat: no object is made for a batch that is right. */
interface Fault {
  readonly path: string;
  readonly expected: string;
}
const fault = (path: string, expected: string): Fault => ({ path, expected });

/**
 * Bytes of one `live` or `backfill` message → batch, parked message or rejection. Accepts exactly what
 * the schema `Batch` of `model/batch.ts` accepts (a property test holds the two equal), at a fraction
 * of its cost: this runs once for every message of every gateway. Never throws.
 */
export function validateBatch(bytes: Uint8Array): Validated {
  if (bytes.byteLength > BATCH_BYTES_MAX) {
    return rejected('oversize', '', `at most ${BATCH_BYTES_MAX} bytes`);
  }
  if (!isUtf8(bytes)) return rejected('invalid-utf8', '', 'UTF-8');
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString());
  } catch (error) {
    return rejected('invalid-json', '', `JSON (${(error as Error).message})`);
  }
  return validateBatchValue(value);
}

/** The same on parsed JSON. */
export function validateBatchValue(value: unknown): Validated {
  if (!isFields(value)) return rejected('invalid-envelope', '', 'an object');
  if (!isName(value['gateway'])) return rejected('invalid-envelope', 'gateway', 'a gateway id');
  if (value['v'] !== 1) return validateLater(value);
  const checked = checkBatch(value);
  if (typeof checked !== 'number') {
    const { path, expected } = checked;
    return { ...rejected('invalid-batch', path, expected), place: placeOf(value) };
  }
  return { kind: 'batch', batch: value as Batch, readings: checked };
}

/** Of a version that this build can read, a batch as well; else parked until one can. */
function validateLater(envelope: Fields): Validated {
  const { v: version, gateway } = envelope;
  if (!isInteger(version, 2)) return rejected('invalid-envelope', 'v', 'a version, 1 or later');
  const read = LATER_VERSIONS.get(version);
  if (read !== undefined) return validateBatchValue({ ...read(envelope), v: 1 });
  const { epoch, seq } = placeOf(envelope) ?? { epoch: null, seq: null };
  return { kind: 'parked', version, gateway: gateway as GatewayId, epoch, seq };
}

function placeOf({ epoch, seq }: Fields): Place | null {
  return typeof epoch === 'string' && isUlidText(epoch) && isInteger(seq, 1)
    ? { epoch, seq }
    : null;
}

function rejected(reason: RejectionReason, path: string, expected: string): Rejection {
  return { kind: 'rejected', reason, path, expected, place: null };
}

/** Number of values of a batch, or its first fault. */
function checkBatch(batch: Fields): number | Fault {
  const { epoch, seq, prev, createdAt, clock, meta, frames } = batch;
  if (epoch !== undefined) {
    if (typeof epoch !== 'string' || !isUlidText(epoch)) return fault('epoch', 'a ULID');
    if (seq === undefined || prev === undefined) return fault('epoch', 'seq and prev beside it');
  }
  if (seq !== undefined && !isInteger(seq, 1)) return fault('seq', 'an integer from 1');
  if (prev !== undefined && (typeof prev !== 'string' || !isSha256Text(prev))) {
    return fault('prev', '64 lower-case hex digits');
  }
  if (!isInteger(createdAt, 0)) return fault('createdAt', 'UTC milliseconds');
  if (clock !== undefined) {
    const found = clockFault(clock);
    if (found !== null) return found;
  }
  if (meta !== undefined) {
    const found = metaFault(meta);
    if (found !== null) return found;
  }
  if (!Array.isArray(frames) || frames.length === 0) return fault('frames', 'at least one frame');
  return checkFrames(frames);
}

function clockFault(clock: unknown): Fault | null {
  if (!isFields(clock)) return fault('clock', 'an object');
  if (!CLOCK_SOURCES.has(clock['source'])) return fault('clock.source', 'a clock source');
  if (!Number.isFinite(clock['offsetMs'])) return fault('clock.offsetMs', 'a number');
  const { errMs } = clock;
  if (!Number.isFinite(errMs) || (errMs as number) < 0) return fault('clock.errMs', 'a number ≥ 0');
  return null;
}

function metaFault(meta: unknown): Fault | null {
  if (!isFields(meta)) return fault('meta', 'an object');
  for (const name of ['template', 'build'] as const) {
    const value = meta[name];
    if (value !== undefined && typeof value !== 'string') return fault(`meta.${name}`, 'a string');
  }
  return null;
}

function checkFrames(frames: readonly unknown[]): number | Fault {
  let values = 0;
  for (let i = 0; i < frames.length; i++) {
    const frame = frames[i];
    if (!isFields(frame)) return fault(`frames.${i}`, 'an object');
    const { device, at, spanMs, readAt } = frame;
    if (!isName(device)) return fault(`frames.${i}.device`, 'a device id');
    if (!isInteger(at, 0) || at % 1_000 !== 0) return fault(`frames.${i}.at`, 'whole seconds');
    if (!isInteger(spanMs, 1_000) || spanMs > 3_600_000 || spanMs % 1_000 !== 0) {
      return fault(`frames.${i}.spanMs`, 'whole seconds, at most an hour');
    }
    if (readAt !== undefined && !isInteger(readAt, 0)) {
      return fault(`frames.${i}.readAt`, 'UTC milliseconds');
    }
    const counted = countValues(frame, `frames.${i}`);
    if (typeof counted !== 'number') return counted;
    values += counted;
  }
  if (values > BATCH_VALUES_MAX) return fault('frames', `at most ${BATCH_VALUES_MAX} values`);
  return values;
}

/** Number of values of a frame, or its fault. */
function countValues(frame: Fields, path: string): number | Fault {
  const { values, flags } = frame;
  if (!isFields(values)) return fault(`${path}.values`, 'an object');
  if (flags !== undefined) {
    const found = flagsFault(flags, values, path);
    if (found !== null) return found;
  }
  let count = 0;
  for (const metric in values) {
    if (!isNameText(metric)) {
      if (dropProto(values, metric)) continue;
      return fault(`${path}.values.${metric}`, 'a metric name');
    }
    const value = values[metric];
    if (value === null) {
      const flag = flags !== undefined && Object.hasOwn(flags as Fields, metric);
      if (!flag || (flags as Fields)[metric] === 'N') {
        return fault(`${path}.values.${metric}`, 'a flag other than N beside null');
      }
    } else if (!Number.isFinite(value)) {
      return fault(`${path}.values.${metric}`, 'a finite number or null');
    }
    count += 1;
  }
  return count;
}

function flagsFault(flags: unknown, values: Fields, path: string): Fault | null {
  if (!isFields(flags)) return fault(`${path}.flags`, 'an object');
  for (const metric in flags) {
    if (!isNameText(metric)) {
      if (dropProto(flags, metric)) continue;
      return fault(`${path}.flags.${metric}`, 'a metric name');
    }
    const flag = flags[metric];
    if (typeof flag !== 'string' || !Object.hasOwn(FLAGS, flag)) {
      return fault(`${path}.flags.${metric}`, 'a flag of HJ 212 or U');
    }
    if (!Object.hasOwn(values, metric))
      return fault(`${path}.flags.${metric}`, 'a value beside it');
  }
  return null;
}

/** An own member `__proto__` is left out, as the schema leaves it out: nothing may read it later. */
function dropProto(fields: Fields, name: string): boolean {
  return name === '__proto__' && Reflect.deleteProperty(fields, name);
}
