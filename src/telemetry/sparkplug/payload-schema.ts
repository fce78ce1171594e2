import protobuf from 'protobufjs/light.js';

const SCALARS = [
  ['intValue', 'uint32'],
  ['longValue', 'uint64'],
  ['floatValue', 'float'],
  ['doubleValue', 'double'],
  ['booleanValue', 'bool'],
] as const;

/** The members of a value, in the order of their numbers: the scalars, then these. */
function valueFields(
  firstId: number,
  others: readonly (readonly [name: string, type: string])[],
): { readonly oneof: string[]; readonly fields: Record<string, protobuf.IField> } {
  const members = [...SCALARS, ...others];
  const fields = members.map(([name, type], i) => [name, { type, id: firstId + i }] as const);
  return { oneof: members.map(([name]) => name), fields: Object.fromEntries(fields) };
}

const PROPERTY_VALUE = valueFields(3, [
  ['stringValue', 'bytes'],
  ['propertySet', 'bytes'],
  ['propertySets', 'bytes'],
  ['extension', 'bytes'],
]);
const METRIC_VALUE = valueFields(10, [
  ['stringValue', 'string'],
  ['bytesValue', 'bytes'],
  ['dataSet', 'bytes'],
  ['template', 'bytes'],
  ['extension', 'bytes'],
]);

/**
 * The wire format of Sparkplug B (proto2), as far as it is read: field numbers and types of Payload and
 * Metric, and of their properties. Values that no channel can hold (data sets, templates, nested property
 * sets, extensions) have the same wire type as bytes and stay unread, so that nothing here nests deeper
 * than a property of a metric.
 */
const SCHEMA: protobuf.INamespace = {
  nested: {
    PropertyValue: {
      edition: 'proto2',
      oneofs: { value: { oneof: PROPERTY_VALUE.oneof } },
      fields: {
        type: { type: 'uint32', id: 1 },
        isNull: { type: 'bool', id: 2 },
        ...PROPERTY_VALUE.fields,
      },
    },
    PropertySet: {
      edition: 'proto2',
      fields: {
        keys: { rule: 'repeated', type: 'string', id: 1 },
        values: { rule: 'repeated', type: 'PropertyValue', id: 2 },
      },
    },
    Metric: {
      edition: 'proto2',
      oneofs: { value: { oneof: METRIC_VALUE.oneof } },
      fields: {
        name: { type: 'string', id: 1 },
        alias: { type: 'uint64', id: 2 },
        timestamp: { type: 'uint64', id: 3 },
        datatype: { type: 'uint32', id: 4 },
        isHistorical: { type: 'bool', id: 5 },
        isTransient: { type: 'bool', id: 6 },
        isNull: { type: 'bool', id: 7 },
        metadata: { type: 'bytes', id: 8 },
        properties: { type: 'PropertySet', id: 9 },
        ...METRIC_VALUE.fields,
      },
    },
    Payload: {
      edition: 'proto2',
      fields: {
        timestamp: { type: 'uint64', id: 1 },
        metrics: { rule: 'repeated', type: 'Metric', id: 2 },
        seq: { type: 'uint64', id: 3 },
        uuid: { type: 'string', id: 4 },
        body: { type: 'bytes', id: 5 },
      },
    },
  },
};

export const PayloadType = protobuf.Root.fromJSON(SCHEMA).lookupType('Payload');

/** A uint64 as the library gives it. */
export interface WireUint64 {
  readonly low: number;
  readonly high: number;
}

export interface WireMetric {
  readonly name?: string;
  readonly alias?: WireUint64;
  readonly timestamp?: WireUint64;
  readonly datatype?: number;
  readonly isHistorical?: boolean;
  readonly isNull?: boolean;
  readonly properties?: {
    readonly keys: readonly string[];
    readonly values: readonly WireProperty[];
  };
  readonly intValue?: number;
  readonly longValue?: WireUint64;
  readonly floatValue?: number;
  readonly doubleValue?: number;
  readonly booleanValue?: boolean;
  readonly stringValue?: string;
  /** Which member of the `oneof` is there. */
  readonly value?: string;
}

export interface WireProperty {
  readonly type?: number;
  readonly isNull?: boolean;
  readonly intValue?: number;
  readonly value?: string;
}

export interface WirePayload {
  readonly timestamp?: WireUint64;
  readonly metrics: readonly WireMetric[];
  readonly seq?: WireUint64;
}
