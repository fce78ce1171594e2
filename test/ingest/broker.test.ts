import { connect as connectTcp } from 'node:net';
import mqtt from 'mqtt';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Broker, Publication } from '../../src/ingest/broker.ts';
import { brokerSettings } from '../../src/ingest/embedded/broker-settings.ts';
import { startEmbeddedBroker } from '../../src/ingest/embedded-broker.ts';
import type { Gateway } from '../../src/model/facts.ts';
import { connectGateway, gatewayFact } from './gateway-client.ts';

const IN_FLIGHT_MAX = 100_000;

let broker: Broker;
let received: Publication[];
let refused: string[];
let registered: Map<string, Gateway>;
const closers: (() => Promise<unknown>)[] = [];

const startTestBroker = (
  options: { connectTimeoutMs?: number; broker?: object } = {},
): Promise<Broker> =>
  startEmbeddedBroker({
    ...options,
    broker: brokerSettings.parse(options.broker ?? {}),
    host: '127.0.0.1',
    port: 0,
    clientsMax: 20,
    inFlightBytesMax: IN_FLIGHT_MAX,
    bridges: ['park-*'],
    gateway: (id) => registered.get(id),
    onPublication: (publication) => received.push(publication),
    onRefused: (reason) => refused.push(reason),
  });

beforeEach(async () => {
  received = [];
  refused = [];
  registered = new Map(['gw-1', 'gw-2'].map((id) => [id, gatewayFact(id)]));
  broker = await startTestBroker();
  broker.open();
});

afterEach(async () => {
  for (const close of closers.splice(0)) await close();
  await broker.close();
});

async function connected(id = 'gw-1', options = {}) {
  const gateway = await connectGateway(broker.port, id, options);
  closers.push(gateway.close);
  return gateway;
}

/** Publishes on any topic; ends when the broker closes the client. */
async function closedBy(clientId: string, topic: string): Promise<void> {
  const client = await mqtt.connectAsync(`mqtt://127.0.0.1:${broker.port}`, {
    clientId,
    reconnectPeriod: 0,
  });
  client.on('error', () => undefined);
  closers.push(() => client.endAsync(true));
  const closed = new Promise<void>((resolve) => client.once('close', resolve));
  client.publish(topic, '{}', { qos: 1 }, () => undefined);
  await closed;
}

describe('the broker', () => {
  it('acknowledges when it is told to and not before', async () => {
    const gateway = await connected();
    let acknowledged = false;
    const sent = gateway.send('live', '{}').then(() => {
      acknowledged = true;
    });
    await expect.poll(() => received.length).toBe(1);
    await gateway.client.publishAsync('wugan/v1/330106/gw-1/live', '{}', { qos: 0 });
    await expect.poll(() => received.length).toBe(2);
    expect(acknowledged).toBe(false);
    received[0]?.done('kept');
    await sent;
  });

  it('closes the client that is not to be acknowledged', async () => {
    const gateway = await connected();
    const closed = new Promise<void>((resolve) => gateway.client.once('close', resolve));
    gateway.client.publish('wugan/v1/330106/gw-1/live', '{}', { qos: 1 }, () => undefined);
    await expect.poll(() => received.length).toBe(1);
    received[0]?.done('deferred');
    await closed;
  });

  it.each([
    ['another gateway', 'wugan/v1/330106/gw-2/live'],
    ['another region than the registered one', 'wugan/v1/110101/gw-1/live'],
    ['its own ack topic', 'wugan/v1/330106/gw-1/ack'],
    ['another version', 'wugan/v2/330106/gw-1/live'],
    ['no topic of ours', 'anything'],
    ['a topic below its own', 'wugan/v1/330106/gw-1/live/x'],
    ['a system topic', '$SYS/x'],
  ])('closes a client that publishes on %s', async (_, topic) => {
    await closedBy('gw-1', topic);
    expect(received).toEqual([]);
  });

  it('closes a gateway that left the registry at its next message', async () => {
    const gateway = await connected();
    registered.delete('gw-1');
    const closed = new Promise<void>((resolve) => gateway.client.once('close', resolve));
    gateway.client.publish('wugan/v1/330106/gw-1/live', '{}', { qos: 1 }, () => undefined);
    await closed;
    expect(received).toEqual([]);
  });

  it('refuses a client that is not registered', async () => {
    await expect(connectGateway(broker.port, 'gw-9')).rejects.toThrow(/Not authorized/);
  });

  it('refuses MQTT 5', async () => {
    await expect(connectGateway(broker.port, 'gw-1', { protocolVersion: 5 })).rejects.toThrow();
  });

  it('refuses every client as a standby', async () => {
    const standby = await startTestBroker();
    closers.push(standby.close);
    await expect(connectGateway(standby.port, 'gw-1')).rejects.toThrow(/Server unavailable/);
    standby.open();
    const gateway = await connectGateway(standby.port, 'gw-1');
    await gateway.close();
  });

  it('takes no new client and reads nothing more while it stops', async () => {
    const gateway = await connected();
    broker.stopReading();
    await expect(connectGateway(broker.port, 'gw-2')).rejects.toThrow(/ECONNREFUSED/);
    gateway.client.publish('wugan/v1/330106/gw-1/live', '{}', { qos: 1 }, () => undefined);
    await broker.close();
    expect(received.filter(({ channel }) => channel === 'live')).toEqual([]);
  });

  it.each([
    'wugan/v1/330106/gw-2/ack',
    'wugan/v1/+/+/ack',
    '#',
    '$share/g/wugan/v1/330106/gw-1/ack',
  ])('grants no subscription to %s', async (topic) => {
    const { client } = await connected();
    await expect(client.subscribeAsync(topic, { qos: 1 })).rejects.toThrow(
      /Unspecified error|128/i,
    );
  });

  it('keeps an ack for a gateway that subscribes later', async () => {
    await broker.publishAck('gw-1', Buffer.from('{"n":1}'));
    const gateway = await connected();
    await expect.poll(() => gateway.acks).toEqual([{ n: 1 }]);
  });

  it('hands the last will over when a client vanishes', async () => {
    const gateway = await connected();
    gateway.client.stream.destroy();
    await expect
      .poll(() => received)
      .toMatchObject([{ channel: 'status', topic: 'wugan/v1/330106/gw-1/status' }]);
    expect(received[0]?.payload.toString()).toBe('{"online":false}');
    received[0]?.done('kept');
  });

  it('lets a bridge publish for every registered gateway and for no other', async () => {
    const client = await mqtt.connectAsync(`mqtt://127.0.0.1:${broker.port}`, {
      clientId: 'park-7',
      reconnectPeriod: 0,
    });
    closers.push(() => client.endAsync(true));
    client.publish('wugan/v1/330106/gw-2/live', '{}', { qos: 1 }, () => undefined);
    await expect.poll(() => received).toMatchObject([{ gateway: { id: 'gw-2' }, channel: 'live' }]);
    received[0]?.done('kept');
    await closedBy('park-8', 'wugan/v1/330106/gw-9/live');
  });

  it('names the port that is taken and the setting that changes it', async () => {
    const again = startEmbeddedBroker({
      ...{ host: '127.0.0.1', port: broker.port, clientsMax: 1, inFlightBytesMax: 1, bridges: [] },
      broker: brokerSettings.parse({}),
      ...{ gateway: () => undefined, onPublication: () => undefined, onRefused: () => undefined },
    });
    await expect(again).rejects.toThrow(new RegExp(`${broker.port}.*ingest\\.port`));
  });
});

describe('a client that is no gateway', () => {
  /** Sends bytes without end on a plain socket; gives how many the broker read before it closed. */
  async function flood(header: readonly number[]): Promise<number> {
    const socket = connectTcp(broker.port, '127.0.0.1');
    socket.on('error', () => undefined);
    const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
    const chunk = Buffer.alloc(65_536, 1);
    socket.write(Buffer.from(header));
    const write = (): void => {
      while (!socket.destroyed && socket.write(chunk));
    };
    socket.on('drain', write);
    write();
    await closed;
    return socket.bytesWritten;
  }

  it.each([
    ['a CONNECT of 256 MiB', [0x10, 0xff, 0xff, 0xff, 0x7f], 'packet too large'],
    ['a CONNECT of more than 4 kB', [0x10, 0x81, 0x20], 'packet too large'],
    ['a packet length of five bytes', [0x10, 0x80, 0x80, 0x80, 0x80], 'malformed packet length'],
    ['a PUBLISH before the CONNECT', [0x30, 0x7f], 'no CONNECT first'],
  ])('is closed at once at %s, and counted', async (_, header, reason) => {
    const written = await flood(header);
    // What the kernel holds of both ends.
    expect(written).toBeLessThan(16 * 1_048_576);
    expect(refused).toContain(reason);
  });

  it('is closed when it never sends CONNECT', async () => {
    const hasty = await startTestBroker({ connectTimeoutMs: 50 });
    closers.push(hasty.close);
    const socket = connectTcp(hasty.port, '127.0.0.1');
    await new Promise<void>((closed) => socket.once('close', () => closed()));
    await expect.poll(() => hasty.clients()).toBe(0);
  });

  it('is closed when it is registered and sends more than a batch can hold', async () => {
    const gateway = await connected();
    const closed = new Promise<void>((resolve) => gateway.client.once('close', () => resolve()));
    const payload = Buffer.alloc(262_144 + 600, 32);
    gateway.client.publish('wugan/v1/330106/gw-1/live', payload, { qos: 1 }, () => undefined);
    await closed;
    expect(refused).toContain('packet too large');
    expect(received.filter(({ channel }) => channel === 'live')).toEqual([]);
  });
});

describe('bytes in flight', () => {
  it('stop at the bound: no socket is read until some are durable, and then all arrive', async () => {
    const payload = Buffer.alloc(10_000, 32);
    const gateways = [await connected('gw-1'), await connected('gw-2')];
    const sent = Promise.all(
      gateways.flatMap((gateway) =>
        Array.from({ length: 200 }, () => gateway.send('live', payload)),
      ),
    );
    await expect.poll(() => broker.inFlightBytes()).toBeGreaterThanOrEqual(IN_FLIGHT_MAX);
    // One socket's chunk may come on top of the bound: it is read before its size is known.
    const chunk = 65_536 + payload.length;
    expect(broker.inFlightBytes()).toBeLessThan(IN_FLIGHT_MAX + chunk);
    const held = received.length;
    const [probe] = [connectTcp(broker.port, '127.0.0.1')];
    await new Promise((resolve) => probe?.once('connect', resolve));
    probe?.destroy();
    expect(received.length).toBe(held);
    const settle = setInterval(() => {
      for (const { done } of received.splice(0)) done('kept');
    }, 1);
    await sent;
    clearInterval(settle);
    expect(broker.inFlightBytes()).toBe(0);
  });
});
