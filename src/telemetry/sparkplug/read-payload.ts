import { BATCH_BYTES_MAX } from '../../model/batch.ts';
import { fail, ok, type Result } from '../../model/result.ts';
import type { Alias, MetricValue, SparkplugMetric, SparkplugPayload } from './payload.ts';
import {
  PayloadType,
  type WireMetric,
  type WirePayload,
  type WireProperty,
  type WireUint64,
} from './payload-schema.ts';

const QUALITY = 'Quality';
/** Data type of the property `Quality`: Int32 (tck-id-payloads-propertyset-quality-value-type). */
const INT32 = 3;
const UINT32_SPAN = 2 ** 32;

/** Bytes → payload. Never throws on what came from outside. */
export function readPayload(
  raw: Uint8Array,
): Result<SparkplugPayload, 'oversize' | 'sparkplug-malformed'> {
  if (raw.byteLength > BATCH_BYTES_MAX) {
    return fail('oversize', `${raw.byteLength} bytes, at most ${BATCH_BYTES_MAX}`);
  }
  try {
    return ok(plainPayload(PayloadType.decode(raw) as unknown as WirePayload));
  } catch (error) {
    return fail('sparkplug-malformed', `no Sparkplug B payload: ${(error as Error).message}`);
  }
}

const has = (message: object, member: string): boolean => Object.hasOwn(message, member);

function plainPayload(wire: WirePayload): SparkplugPayload {
  return {
    timestampMs: has(wire, 'timestamp') ? msOf(wire.timestamp as WireUint64) : null,
    seq: has(wire, 'seq') ? Number(uint64Of(wire.seq as WireUint64)) : null,
    metrics: wire.metrics.map(plainMetric),
  };
}

function plainMetric(wire: WireMetric): SparkplugMetric {
  return {
    name: has(wire, 'name') ? (wire.name as string) : null,
    alias: has(wire, 'alias') ? aliasOf(wire.alias as WireUint64) : null,
    timestampMs: has(wire, 'timestamp') ? msOf(wire.timestamp as WireUint64) : null,
    datatype: has(wire, 'datatype') ? (wire.datatype as number) : null,
    isHistorical: wire.isHistorical === true && has(wire, 'isHistorical'),
    isNull: wire.isNull === true && has(wire, 'isNull'),
    quality: qualityOf(wire),
    value: carriedBy(wire),
  };
}

function carriedBy(wire: WireMetric): MetricValue | null {
  switch (wire.value) {
    case undefined:
      return null;
    case 'intValue':
      return { kind: 'int', value: wire.intValue as number };
    case 'longValue':
      return { kind: 'long', value: uint64Of(wire.longValue as WireUint64) };
    case 'floatValue':
      return { kind: 'float', value: wire.floatValue as number };
    case 'doubleValue':
      return { kind: 'double', value: wire.doubleValue as number };
    case 'booleanValue':
      return { kind: 'boolean', value: wire.booleanValue as boolean };
    case 'stringValue':
      return { kind: 'string', value: wire.stringValue as string };
    default:
      return { kind: 'other' };
  }
}

/** A property whose place or type can't be trusted is told as NaN: it is neither good nor absent. */
function qualityOf(wire: WireMetric): number | null {
  if (!has(wire, 'properties')) return null;
  const { keys, values } = wire.properties as { keys: string[]; values: WireProperty[] };
  const at = keys.indexOf(QUALITY);
  if (at < 0) return null;
  const property = values[at];
  const isReadable =
    keys.length === values.length &&
    property?.type === INT32 &&
    property.value === 'intValue' &&
    property.isNull !== true;
  return isReadable ? (property.intValue as number) | 0 : Number.NaN;
}

const uint64Of = ({ low, high }: WireUint64): bigint =>
  (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0);

/** A time beyond 2⁵³ ms loses digits that no time has. */
const msOf = ({ low, high }: WireUint64): number => (high >>> 0) * UINT32_SPAN + (low >>> 0);

function aliasOf(wire: WireUint64): Alias {
  const value = msOf(wire);
  return Number.isSafeInteger(value) ? value : uint64Of(wire);
}
