import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import mqtt, { type MqttClient } from 'mqtt';
import mqttManifest from 'mqtt/package.json' with { type: 'json' };
import mqttPacket from 'mqtt-packet';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import projectManifest from '../../../package.json' with { type: 'json' };
import {
  type DeferredPubacks,
  type Delivery,
  deferPubacks,
  MQTT_VERSION,
} from '../../../src/ingest/external/deferred-puback.ts';

const WAIT = { timeout: 30_000, interval: 10 };

/** A broker that grants everything and keeps what it is sent, one item for each piece that comes. */
interface ScriptedBroker {
  readonly port: number;
  publish(id: number, payload: string, qos?: 0 | 1): void;
  /** Packet ids of PUBACKs in the order in which they came. */
  pubacks(): number[];
  /** Names of all other packets. */
  others(): string[];
  /** Sizes of the pieces in which bytes came after the CONNECT. */
  pieces(): number[];
  drop(): void;
}

async function startScripted(protocolVersion: 4 | 5): Promise<ScriptedBroker> {
  const pubacks: number[] = [];
  const others: string[] = [];
  const pieces: number[] = [];
  let socket: Socket | undefined;
  const server = createServer((opened) => {
    socket = opened;
    const parser = mqttPacket.parser({ protocolVersion });
    parser.on('packet', (packet) => {
      if (packet.cmd === 'puback') pubacks.push(packet.messageId as number);
      else others.push(packet.cmd);
      if (packet.cmd !== 'connect') return;
      const connack = {
        cmd: 'connack',
        returnCode: 0,
        reasonCode: 0,
        sessionPresent: false,
      } as const;
      opened.write(mqttPacket.generate(connack, { protocolVersion }));
    });
    opened.on('data', (bytes: Buffer) => {
      if (others.length > 0) pieces.push(bytes.length);
      parser.parse(bytes);
    });
    opened.on('error', () => undefined);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    socket?.destroy();
    server.close();
  });
  return {
    port: (server.address() as AddressInfo).port,
    publish(messageId, payload, qos = 1) {
      const packet = {
        cmd: 'publish',
        topic: 't',
        payload,
        qos,
        dup: false,
        retain: false,
      } as const;
      socket?.write(
        mqttPacket.generate(qos === 1 ? { ...packet, messageId } : packet, { protocolVersion }),
      );
    },
    pubacks: () => pubacks,
    others: () => others,
    pieces: () => pieces,
    drop: () => socket?.destroy(),
  };
}

describe.each([4, 5] as const)('deferred PUBACKs of protocol level %i', (protocolVersion) => {
  let broker: ScriptedBroker;
  let client: MqttClient;
  let taken: Delivery[];
  let goOns: (() => void)[];
  let isHolding: boolean;
  let deferred: DeferredPubacks;

  beforeEach(async () => {
    broker = await startScripted(protocolVersion);
    taken = [];
    goOns = [];
    isHolding = false;
    client = mqtt.connect(`mqtt://127.0.0.1:${broker.port}`, {
      protocolVersion,
      reconnectPeriod: 0,
    });
    client.on('error', () => undefined);
    deferred = deferPubacks(client, (delivery, goOn) => {
      taken.push(delivery);
      if (isHolding) goOns.push(goOn);
      else goOn();
    });
    await new Promise((connected) => client.once('connect', connected));
    onTestFinished(() => client.endAsync(true));
  });

  it('are sent for the messages that are acknowledged, in that order, and for no other', async () => {
    for (const id of [1, 2, 3, 500]) broker.publish(id, `m${id}`);
    await expect.poll(() => taken.length, WAIT).toBe(4);
    expect(broker.pubacks()).toEqual([]);
    taken[3]?.acknowledge();
    taken[1]?.acknowledge();
    await expect.poll(() => broker.pubacks(), WAIT).toEqual([500, 2]);
    expect(taken.map(({ payload }) => payload.toString())).toEqual(['m1', 'm2', 'm3', 'm500']);
  });

  it('of one turn go in one write', async () => {
    for (let id = 1; id <= 100; id += 1) broker.publish(id, 'x');
    await expect.poll(() => taken.length, WAIT).toBe(100);
    for (const delivery of taken) delivery.acknowledge();
    await expect.poll(() => broker.pubacks().length, WAIT).toBe(100);
    expect(broker.pieces()).toEqual([400]);
  });

  it('can be written before the turn ends', async () => {
    broker.publish(9, 'x');
    await expect.poll(() => taken.length, WAIT).toBe(1);
    taken[0]?.acknowledge();
    deferred.flush();
    await client.endAsync();
    await expect.poll(() => broker.others(), WAIT).toEqual(['connect', 'disconnect']);
    expect(broker.pubacks()).toEqual([9]);
  });

  it('are not sent for QoS 0', async () => {
    broker.publish(0, 'zero', 0);
    broker.publish(1, 'one');
    await expect.poll(() => taken.length, WAIT).toBe(2);
    for (const delivery of taken) delivery.acknowledge();
    await expect.poll(() => broker.pubacks(), WAIT).toEqual([1]);
  });

  it('let nothing come before goOn() was called', async () => {
    isHolding = true;
    broker.publish(1, 'one');
    broker.publish(2, 'two');
    await expect.poll(() => taken.length, WAIT).toBe(1);
    // It answers what else is asked of it meanwhile.
    taken[0]?.acknowledge();
    await expect.poll(() => broker.pubacks(), WAIT).toEqual([1]);
    expect(taken).toHaveLength(1);
    goOns[0]?.();
    await expect.poll(() => taken.length, WAIT).toBe(2);
  });

  it('are dropped when the connection has ended: the broker sends those messages again', async () => {
    broker.publish(1, 'one');
    await expect.poll(() => taken.length, WAIT).toBe(1);
    const closed = new Promise<void>((resolve) => client.once('close', resolve));
    broker.drop();
    await closed;
    taken[0]?.acknowledge();
    deferred.flush();
    expect(broker.pubacks()).toEqual([]);
  });
});

describe('the library below', () => {
  it('is the version whose inner workings these tests have checked, and pinned to it', () => {
    expect(mqttManifest.version).toBe(MQTT_VERSION);
    expect(projectManifest.dependencies.mqtt).toBe(MQTT_VERSION);
  });
});
