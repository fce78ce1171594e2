import type { DeviceId, GatewayId, MetricName } from '../../../src/model/ids.ts';
import { DATATYPES, type Datatype } from '../../../src/telemetry/sparkplug/datatypes.ts';
import type { EdgeMessage } from '../../../src/telemetry/sparkplug/edge-message.ts';
import type { Alias, SparkplugMetric } from '../../../src/telemetry/sparkplug/payload.ts';
import { readPayload } from '../../../src/telemetry/sparkplug/read-payload.ts';
import type { SparkplugContext } from '../../../src/telemetry/sparkplug/sparkplug-context.ts';
import {
  type PayloadToWrite,
  writePayload,
} from '../../../src/telemetry/sparkplug/write-payload.ts';

export const T0 = Date.UTC(2026, 10, 24, 8);

type Metric = Partial<SparkplugMetric>;

export const float = (value: number): SparkplugMetric['value'] => ({ kind: 'float', value });
export const int = (value: number): SparkplugMetric['value'] => ({
  kind: 'int',
  value: value >>> 0,
});

/** A metric as a birth declares it. */
export const declared = (
  name: string,
  alias: Alias | null = null,
  datatype: Datatype = 'Float',
  more: Metric = {},
): Metric => ({
  ...{ name, alias, datatype: DATATYPES[datatype], timestampMs: T0, value: float(1) },
  ...more,
});

export const bdSeq = (value: number): Metric => ({
  name: 'bdSeq',
  datatype: DATATYPES.Int64,
  value: { kind: 'long', value: BigInt(value) },
  timestampMs: T0,
});

/** A message as the host gets it, through the bytes of the wire. */
export function message(
  kind: EdgeMessage['kind'],
  payload: PayloadToWrite,
  device: string | null = null,
): EdgeMessage {
  const raw = writePayload(payload);
  const read = readPayload(raw);
  if (!read.ok) throw new Error(read.detail);
  return { kind, device, payload: read.value, raw, receivedAtMs: T0 + 500 };
}

export const nodeBirth = (seq: number, session: number, metrics: readonly Metric[] = []) =>
  message('NBIRTH', { timestampMs: T0, seq, metrics: [bdSeq(session), ...metrics] });
export const nodeDeath = (session: number) => message('NDEATH', { metrics: [bdSeq(session)] });
export const nodeData = (seq: number, metrics: readonly Metric[] = []) =>
  message('NDATA', { timestampMs: T0, seq, metrics });
export const deviceBirth = (seq: number, device: string, metrics: readonly Metric[]) =>
  message('DBIRTH', { timestampMs: T0, seq, metrics }, device);
export const deviceData = (seq: number, device: string, metrics: readonly Metric[]) =>
  message('DDATA', { timestampMs: T0, seq, metrics }, device);
export const deviceDeath = (seq: number, device: string, timestampMs: number | null = T0) =>
  message('DDEATH', { timestampMs, seq, metrics: [] }, device);

/** One device with a float by alias 7 and an Int16 by name. */
export const CONTEXT: SparkplugContext = {
  gateway: 'gw-1' as GatewayId,
  clock: { source: 'ntp', errMs: 20 },
  source: 'Plant/edge-1/dev-a',
  content: { kind: 'values' },
  devices: [
    {
      device: 'noise-1' as DeviceId,
      spanS: 1,
      metrics: [
        {
          ...{ name: 'Noise/LAeq', alias: '7', datatype: DATATYPES.Float },
          metric: 'laeq' as MetricName,
        },
        {
          ...{ name: 'Box/Temp', alias: null, datatype: DATATYPES.Int16 },
          metric: 'temp' as MetricName,
        },
      ],
    },
  ],
};
