import { connectAsync, type MqttClient } from 'mqtt';
import { DATATYPES, type Datatype } from '../src/telemetry/sparkplug/datatypes.ts';
import { readHostState } from '../src/telemetry/sparkplug/host-state.ts';
import type { Alias, SparkplugMetric } from '../src/telemetry/sparkplug/payload.ts';
import { readPayload } from '../src/telemetry/sparkplug/read-payload.ts';
import {
  type MessageKind,
  sparkplugTopicOf,
  stateTopicOf,
} from '../src/telemetry/sparkplug/sparkplug-topic.ts';
import { writePayload } from '../src/telemetry/sparkplug/write-payload.ts';

/** A metric as the edge node declares it. */
export interface NodeMetric {
  readonly name: string;
  readonly alias: Alias | null;
  readonly datatype: Datatype;
}

export interface SparkplugNodeOptions {
  readonly mqttUrl: string;
  readonly clientId: string;
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  readonly group: string;
  readonly edgeNode: string;
  /** Metrics of each device; of the edge node itself under null. */
  readonly publishers: ReadonlyMap<string | null, readonly NodeMetric[]>;
  /** Host without which nothing is published; null: none. */
  readonly primaryHost: string | null;
  /** Number of this session, 0 to 255. */
  readonly bdSeq: number;
  readonly now: () => number;
}

/** A value on its way: its alias stands for its name unless it has none. */
export type NodeReading = Pick<SparkplugMetric, 'value' | 'timestampMs'> &
  Partial<Pick<SparkplugMetric, 'isHistorical' | 'isNull' | 'quality'>> & { readonly name: string };

/** One session of an edge node. */
export interface SparkplugNode {
  /** Born and not dead: what is published goes out. */
  isBorn(): boolean;
  /** Births after the first. */
  rebirths(): number;
  /** NDATA or DDATA; false: not born. */
  publish(device: string | null, readings: readonly NodeReading[]): boolean;
  /** Uses a sequence number up without sending: for the host, a lost message. */
  lose(): void;
  /** DDEATH. */
  endDevice(device: string): void;
  /** Drops the connection: the broker publishes the NDEATH. */
  die(): void;
  /** NDEATH, then DISCONNECT. */
  end(): Promise<void>;
  /** Ends with the connection, whoever ended it. */
  readonly ended: Promise<void>;
}

const SEQ_SPAN = 256;

/** Connects as an edge node and, once its primary host is online, is born. Rejects when it is refused. */
export async function connectSparkplugNode(options: SparkplugNodeOptions): Promise<SparkplugNode> {
  const { group, edgeNode, publishers, primaryHost, now, username, password } = options;
  const topic = (kind: MessageKind, device: string | null): string =>
    sparkplugTopicOf({ group, edgeNode, kind, device });
  const bdSeq: Partial<SparkplugMetric> = {
    ...{ name: 'bdSeq', datatype: DATATYPES.Int64 },
    value: { kind: 'long', value: BigInt(options.bdSeq) },
  };
  const death = Buffer.from(writePayload({ timestampMs: now(), metrics: [bdSeq] }));
  const client = await connectAsync(options.mqttUrl, {
    ...{ clientId: options.clientId, clean: true, reconnectPeriod: 0, protocolVersion: 4 },
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    will: { topic: topic('NDEATH', null), payload: death, qos: 1, retain: false },
  });
  const latest = new Map<string, NodeReading>();
  let seq = 0;
  let births = 0;
  let isBorn = false;
  let hostOnlineMs = 0;

  function send(kind: MessageKind, device: string | null, metrics: Partial<SparkplugMetric>[]) {
    const payload = writePayload({ timestampMs: now(), seq, metrics });
    seq = (seq + 1) % SEQ_SPAN;
    client.publish(topic(kind, device), Buffer.from(payload), { qos: 0, retain: false });
  }

  const declared = (device: string | null): Partial<SparkplugMetric>[] =>
    (publishers.get(device) ?? []).map(({ name, alias, datatype }) => {
      const { name: _, ...reading } = latest.get(`${device} ${name}`) ?? {
        ...{ name, value: null, isNull: true, timestampMs: now() },
      };
      return { name, alias, datatype: DATATYPES[datatype], ...reading };
    });

  /** NBIRTH and all DBIRTHs; the sequence begins with 0. */
  function beBorn(): void {
    seq = 0;
    births += 1;
    isBorn = true;
    const rebirth: Partial<SparkplugMetric> = {
      ...{ name: 'Node Control/Rebirth', datatype: DATATYPES.Boolean, timestampMs: now() },
      value: { kind: 'boolean', value: false },
    };
    send('NBIRTH', null, [{ ...bdSeq, timestampMs: now() }, rebirth, ...declared(null)]);
    for (const device of publishers.keys()) {
      if (device !== null) send('DBIRTH', device, declared(device));
    }
  }

  async function sayGoodbye(): Promise<void> {
    await client.publishAsync(topic('NDEATH', null), death, { qos: 1, retain: false });
    await client.endAsync();
  }

  /** On a connection that is gone the client waits for ever to publish its death. */
  async function end(): Promise<void> {
    isBorn = false;
    await Promise.race([ended, sayGoodbye()]);
  }

  /** Older word than the host's last is not listened to. */
  function hearHost(payload: Buffer): void {
    const state = readHostState(payload);
    if (state === null || state.timestamp < hostOnlineMs) return;
    if (state.online) {
      hostOnlineMs = state.timestamp;
      if (!isBorn) beBorn();
    } else if (isBorn) void end();
  }

  client.on('message', (name, payload) => {
    if (primaryHost !== null && name === stateTopicOf(primaryHost)) hearHost(payload);
    else if (name === topic('NCMD', null) && asksForRebirth(payload) && isBorn) beBorn();
  });
  client.on('error', () => undefined);
  const ended = new Promise<void>((resolve) => {
    client.once('close', () => {
      isBorn = false;
      resolve();
    });
  });
  await subscribe(client, topic('NCMD', null), primaryHost);
  if (primaryHost === null) beBorn();

  return {
    isBorn: () => isBorn,
    rebirths: () => Math.max(0, births - 1),
    publish(device, readings) {
      for (const reading of readings) latest.set(`${device} ${reading.name}`, reading);
      if (!isBorn) return false;
      const metrics = readings.map(({ name, ...reading }) => {
        const alias = publishers.get(device)?.find((one) => one.name === name)?.alias ?? null;
        return alias === null ? { name, ...reading } : { alias, ...reading };
      });
      send(device === null ? 'NDATA' : 'DDATA', device, metrics);
      return true;
    },
    lose() {
      seq = (seq + 1) % SEQ_SPAN;
    },
    endDevice: (device) => send('DDEATH', device, []),
    die() {
      isBorn = false;
      client.stream.destroy();
    },
    end,
    ended,
  };
}

async function subscribe(
  client: MqttClient,
  commands: string,
  primaryHost: string | null,
): Promise<void> {
  const topics = primaryHost === null ? [commands] : [commands, stateTopicOf(primaryHost)];
  await client.subscribeAsync(topics, { qos: 1 });
}

function asksForRebirth(payload: Buffer): boolean {
  const read = readPayload(payload);
  return (
    read.ok &&
    read.value.metrics.some(
      ({ name, value }) =>
        name === 'Node Control/Rebirth' && value?.kind === 'boolean' && value.value,
    )
  );
}
