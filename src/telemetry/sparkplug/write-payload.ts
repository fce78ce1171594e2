import type { MetricValue, SparkplugMetric, SparkplugPayload } from './payload.ts';
import { PayloadType } from './payload-schema.ts';

/** A payload without the members that are null. */
export type PayloadToWrite = Partial<Omit<SparkplugPayload, 'metrics'>> & {
  readonly metrics: readonly Partial<SparkplugMetric>[];
};

const VALUE_FIELDS = {
  int: 'intValue',
  long: 'longValue',
  float: 'floatValue',
  double: 'doubleValue',
  boolean: 'booleanValue',
  string: 'stringValue',
} as const satisfies Record<Exclude<MetricValue['kind'], 'other'>, string>;
const INT32 = 3;

/** Payload → bytes. Metadata and values of kind `other` are not written. */
export function writePayload({ timestampMs, seq, metrics }: PayloadToWrite): Uint8Array {
  const wire = {
    ...present('timestamp', uint64(timestampMs)),
    ...present('seq', uint64(seq)),
    metrics: metrics.map(wireMetric),
  };
  return PayloadType.encode(PayloadType.fromObject(wire)).finish();
}

function wireMetric(metric: Partial<SparkplugMetric>): object {
  const { name, alias, timestampMs, datatype, isHistorical, isNull, quality, value } = metric;
  return {
    ...present('name', name),
    ...present('alias', uint64(alias)),
    ...present('timestamp', uint64(timestampMs)),
    ...present('datatype', datatype),
    ...(isHistorical === true ? { isHistorical } : {}),
    ...(isNull === true ? { isNull } : {}),
    ...(quality === undefined || quality === null
      ? {}
      : {
          properties: {
            keys: ['Quality'],
            values: [{ type: INT32, intValue: quality >>> 0 }],
          },
        }),
    ...(value === undefined || value === null || value.kind === 'other'
      ? {}
      : {
          [VALUE_FIELDS[value.kind]]: value.kind === 'long' ? value.value.toString() : value.value,
        }),
  };
}

const present = (name: string, value: unknown): object =>
  value === undefined || value === null ? {} : { [name]: value };

/** The library reads 64-bit numbers from text without loss. */
const uint64 = (value: number | bigint | null | undefined): string | null =>
  value === undefined || value === null ? null : value.toString();
