import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import mqtt, { type MqttClient } from 'mqtt';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import type { Broker, Publication, Stray } from '../../../src/ingest/broker.ts';
import { createExternalBroker } from '../../../src/ingest/external/external-broker.ts';
import { mqttSettings } from '../../../src/ingest/external/mqtt-settings.ts';
import type { Gateway } from '../../../src/model/facts.ts';
import { silentLog } from '../../database/test-database.ts';
import { type Certificates, makeCertificates } from '../../gateway/certificates.ts';
import { gatewayFact } from '../gateway-client.ts';
import { type Mosquitto, startMosquitto } from './mosquitto.ts';

const WAIT = { timeout: 30_000, interval: 20 };
const topic = (id: string, channel = 'live', region = '330106'): string =>
  `wugan/v1/${region}/${id}/${channel}`;

let received: Publication[];
let strays: Stray[];
let refused: string[];
let registered: Map<string, Gateway>;

beforeEach(() => {
  received = [];
  strays = [];
  refused = [];
  registered = new Map(['gw-1', 'gw-2'].map((id) => [id, gatewayFact(id)]));
});

type Settings = Omit<Parameters<typeof mqttSettings.parse>[0] & object, 'url'>;

function hubOn(url: string, settings: Settings = {}, inFlightBytesMax = 1_000_000): Broker {
  const hub = createExternalBroker({
    mqtt: {
      ...mqttSettings.parse({ reconnectMsMin: 10, reconnectMsMax: 100, ...settings }),
      url,
    },
    ...{ shard: 'main', inFlightBytesMax, now: Date.now, log: silentLog },
    gateway: (id) => registered.get(id),
    onPublication: (publication) => received.push(publication),
    onStray: (stray) => strays.push(stray),
    onRefused: (reason) => refused.push(reason),
  });
  onTestFinished(() => hub.close());
  return hub;
}

const up = (hub: Broker) => expect.poll(() => hub.trouble(), WAIT).toBeNull();

async function openHub(url: string, settings: Settings = {}, bytesMax?: number): Promise<Broker> {
  const hub = hubOn(url, settings, bytesMax);
  hub.open();
  await up(hub);
  return hub;
}

async function sender(url: string, options: mqtt.IClientOptions = {}): Promise<MqttClient> {
  const client = await mqtt.connectAsync(url, { reconnectPeriod: 0, ...options });
  client.on('error', () => undefined);
  onTestFinished(() => client.endAsync(true));
  return client;
}

/** The second of two acks goes the way of the PUBACKs behind them: then the broker has them. */
async function told(hub: Broker): Promise<void> {
  for (const n of [1, 2]) await hub.publishAck('gw-2', Buffer.from(`${n}`));
}

const texts = (): string[] => received.map(({ payload }) => payload.toString());
const numbers = (from: number, to: number): string[] =>
  Array.from({ length: to - from + 1 }, (_, i) => String(from + i));

async function send(client: MqttClient, values: readonly string[], to = topic('gw-1')) {
  await Promise.all(values.map((value) => client.publishAsync(to, value, { qos: 1 })));
}

describe.each(['3.1.1', '5'] as const)('a broker of MQTT %s', (version) => {
  let mosquitto: Mosquitto;
  beforeEach(async () => {
    mosquitto = await startMosquitto({ lines: ['max_inflight_messages 0'] });
  });

  it('hands on all of a burst before the first of it is acknowledged', async () => {
    await openHub(mosquitto.url, { version });
    const client = await sender(mosquitto.url);
    await send(client, numbers(1, 500));
    await expect.poll(texts, WAIT).toEqual(numbers(1, 500));
  });

  it('sends again what a hub took and did not acknowledge, and nothing else', async () => {
    const first = await openHub(mosquitto.url, { version });
    const client = await sender(mosquitto.url);
    await send(client, numbers(1, 40));
    await expect.poll(() => received.length, WAIT).toBe(40);
    // Every other one is kept, in the order in which commits end: any.
    for (const { payload, done } of received.toReversed()) {
      if (Number(payload) % 2 === 0) done('kept');
    }
    await told(first);
    await first.close();
    received = [];
    await send(client, numbers(41, 45));
    await openHub(mosquitto.url, { version });
    const left = numbers(1, 40).filter((n) => Number(n) % 2 === 1);
    await expect.poll(texts, WAIT).toEqual([...left, ...numbers(41, 45)]);
  });

  it('is not told of what was stopped, and is told of what its gateway sends again', async () => {
    const first = await openHub(mosquitto.url, { version });
    const client = await sender(mosquitto.url);
    await send(client, ['stopped', 'deferred']);
    await expect.poll(() => received.length, WAIT).toBe(2);
    received[0]?.done('stopped');
    received[1]?.done('deferred');
    await told(first);
    await first.close();
    received = [];
    await openHub(mosquitto.url, { version });
    await expect.poll(texts, WAIT).toEqual(['stopped']);
  });

  it('has the PUBACKs of a hub that closes at once after its last commit', async () => {
    const first = await openHub(mosquitto.url, { version });
    const client = await sender(mosquitto.url);
    await send(client, ['last']);
    await expect.poll(() => received.length, WAIT).toBe(1);
    received[0]?.done('kept');
    await first.close();
    received = [];
    await send(client, ['next']);
    await openHub(mosquitto.url, { version });
    await expect.poll(texts, WAIT).toEqual(['next']);
  });

  it('keeps what comes while a hub stands by, and the standby takes nothing', async () => {
    const first = await openHub(mosquitto.url, { version });
    await first.close();
    const standby = hubOn(mosquitto.url, { version });
    const client = await sender(mosquitto.url);
    await send(client, numbers(1, 10));
    expect(standby.trouble()).toBeNull();
    expect(received).toEqual([]);
    standby.open();
    await expect.poll(texts, WAIT).toEqual(numbers(1, 10));
  });

  it('goes on after it was restarted with its queue, and after it was killed', async () => {
    const hub = await openHub(mosquitto.url, { version });
    let client = await sender(mosquitto.url);
    await send(client, numbers(1, 10));
    await expect.poll(() => received.length, WAIT).toBe(10);
    for (const { done } of received.slice(0, 5)) done('kept');
    await told(hub);
    await mosquitto.stop();
    await expect.poll(() => hub.trouble()?.reason, WAIT).toBeTypeOf('string');
    received = [];
    await mosquitto.start();
    await up(hub);
    await expect.poll(texts, WAIT).toEqual(numbers(6, 10));
    for (const { done } of received) done('kept');

    await mosquitto.stop('SIGKILL');
    await mosquitto.start();
    await up(hub);
    received = [];
    client = await sender(mosquitto.url);
    await send(client, ['after']);
    await expect.poll(() => texts().at(-1), WAIT).toBe('after');
  });

  it('holds the rest back at the bound of bytes in flight, and goes on below it', async () => {
    const hub = await openHub(mosquitto.url, { version }, 30_000);
    const client = await sender(mosquitto.url);
    await send(client, new Array<string>(50).fill('x'.repeat(1_000)));
    await expect.poll(() => received.length, WAIT).toBe(30);
    expect(hub.inFlightBytes()).toBe(30_000);
    for (let settled = 0; settled < 50; settled += 1) {
      await expect.poll(() => received.length, WAIT).toBeGreaterThan(settled);
      received[settled]?.done('kept');
      expect(hub.inFlightBytes()).toBeLessThanOrEqual(30_000);
    }
    expect(received).toHaveLength(50);
    expect(hub.inFlightBytes()).toBe(0);
  });

  it('holds the rest back at the bound of messages in flight, whatever the broker sends', async () => {
    await openHub(mosquitto.url, { version, receiveMax: 7 });
    const client = await sender(mosquitto.url);
    await send(client, numbers(1, 60));
    for (let settled = 0; settled < 60; settled += 1) {
      await expect.poll(() => received.length, WAIT).toBeGreaterThan(settled);
      expect(received.length - settled).toBeLessThanOrEqual(8);
      received[settled]?.done('kept');
    }
    // Mosquitto itself changes the order of what it had to queue.
    expect(new Set(texts())).toEqual(new Set(numbers(1, 60)));
    expect(received).toHaveLength(60);
  });

  it('keeps the latest ack of each gateway, also those given while it was away', async () => {
    const hub = await openHub(mosquitto.url, { version });
    await hub.publishAck('gw-1', Buffer.from('{"n":1}'));
    await mosquitto.stop();
    await expect.poll(() => hub.trouble(), WAIT).not.toBeNull();
    await hub.publishAck('gw-2', Buffer.from('{"n":2}'));
    await hub.publishAck('gw-2', Buffer.from('{"n":3}'));
    await hub.publishAck('gw-gone', Buffer.from('{"n":4}'));
    await mosquitto.start();
    await up(hub);
    const client = await sender(mosquitto.url);
    const acks = new Map<string, string>();
    client.on('message', (name, payload) => acks.set(name, payload.toString()));
    await client.subscribeAsync('wugan/v1/+/+/ack', { qos: 1 });
    await expect
      .poll(() => Object.fromEntries(acks), WAIT)
      .toEqual({ [topic('gw-1', 'ack')]: '{"n":1}', [topic('gw-2', 'ack')]: '{"n":3}' });
  });

  it('puts aside what names no registered gateway and what is too large', async () => {
    await openHub(mosquitto.url, { version });
    const client = await sender(mosquitto.url);
    await send(client, ['a'], topic('gw-9'));
    await send(client, ['b'], topic('gw-1', 'live', '110101'));
    await send(client, ['c'.repeat(300_000)]);
    await send(client, ['good']);
    await expect.poll(() => texts(), WAIT).toEqual(['good']);
    expect(strays.map(({ source, reason, detail }) => [source, reason, detail])).toEqual([
      ['gw-9', 'unknown-gateway', 'gw-9 is not registered'],
      ['gw-1', 'unknown-gateway', 'gw-1 is registered in 330106'],
      ['gw-1', 'oversize', '300000 bytes, at most 262144; their beginning is kept'],
    ]);
    expect(strays[2]?.payload).toHaveLength(262_144);
  });
});

describe('a broker of MQTT 5', () => {
  it('sends no more than the receive maximum before it is acknowledged', async () => {
    const mosquitto = await startMosquitto({ lines: ['max_inflight_messages 0'] });
    const hub = await openHub(mosquitto.url, { receiveMax: 7 });
    const client = await sender(mosquitto.url);
    await send(client, numbers(1, 30));
    await expect.poll(() => received.length, WAIT).toBe(7);
    // The broker has answered since, and sent nothing more.
    await hub.publishAck('gw-1', Buffer.from('{}'));
    expect(received).toHaveLength(7);
  });

  it('is not sent more acks at a time than it takes', async () => {
    const mosquitto = await startMosquitto({ lines: ['max_inflight_messages 3'] });
    const ids = numbers(1, 200).map((n) => `gw-${n}`);
    for (const id of ids) registered.set(id, gatewayFact(id));
    const hub = await openHub(mosquitto.url);
    await Promise.all(ids.map((id) => hub.publishAck(id, Buffer.from('{}'))));
    expect(hub.trouble()).toBeNull();
    const client = await sender(mosquitto.url);
    let acks = 0;
    client.on('message', () => {
      acks += 1;
    });
    await client.subscribeAsync('wugan/v1/+/+/ack', { qos: 1 });
    await expect.poll(() => acks, WAIT).toBe(200);
  });
});

describe('the session of a shard', () => {
  it('holds the regions of the settings, also when they held more before', async () => {
    const mosquitto = await startMosquitto();
    registered.set('gw-3', { ...gatewayFact('gw-3'), region: '110101' } as Gateway);
    const everywhere = await openHub(mosquitto.url);
    const client = await sender(mosquitto.url);
    await send(client, ['here'], topic('gw-1'));
    await send(client, ['there'], topic('gw-3', 'live', '110101'));
    await expect.poll(texts, WAIT).toEqual(['here', 'there']);
    for (const { done } of received) done('kept');
    await told(everywhere);
    await everywhere.close();
    received = [];
    await openHub(mosquitto.url, { regions: ['110101'] });
    await send(client, ['here'], topic('gw-1'));
    await send(client, ['there'], topic('gw-3', 'live', '110101'));
    await expect.poll(texts, WAIT).toEqual(['there']);
    expect(refused).toEqual([]);
  });

  it('goes to the hub that connects last, and the one before gives it up', async () => {
    const mosquitto = await startMosquitto();
    const paused = await openHub(mosquitto.url);
    paused.stopReading();
    const next = await openHub(mosquitto.url);
    await expect.poll(() => paused.trouble()?.reason, WAIT).toBeTypeOf('string');
    await paused.close();
    await up(next);
    const client = await sender(mosquitto.url);
    await send(client, ['mine']);
    await expect.poll(texts, WAIT).toEqual(['mine']);
  });

  it('takes a retained status for no news, and a fresh one for news', async () => {
    const mosquitto = await startMosquitto();
    const client = await sender(mosquitto.url);
    const status = topic('gw-1', 'status');
    await client.publishAsync(status, '{"online":true}', { qos: 1, retain: true });
    await openHub(mosquitto.url);
    await client.publishAsync(topic('gw-1'), 'batch', { qos: 1 });
    await expect.poll(texts, WAIT).toEqual(['batch']);
    await client.publishAsync(status, '{"online":false}', { qos: 1, retain: true });
    await expect.poll(texts, WAIT).toEqual(['batch', '{"online":false}']);
  });
});

describe('a broker that asks who we are', () => {
  let folder: string;
  let certificates: Certificates;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'wugan-external-'));
    certificates = makeCertificates(folder);
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it('is told user name and password, and says when they are wrong', async () => {
    const mosquitto = await startMosquitto({ passwords: { hub: 'secret' } });
    const passwordFile = join(folder, 'password');
    writeFileSync(passwordFile, 'wrong\n');
    const hub = hubOn(mosquitto.url, { username: 'hub', passwordFile });
    hub.open();
    await expect.poll(() => hub.trouble()?.reason, WAIT).toMatch(/Not authorized/);
    // Read anew for each attempt: a password is changed without a restart.
    writeFileSync(passwordFile, 'secret\n');
    await up(hub);
  });

  it('takes the credentials of the URL, which are shown nowhere', async () => {
    const mosquitto = await startMosquitto({ passwords: { hub: 's3cret' } });
    const hub = await openHub(`mqtt://hub:s3cret@127.0.0.1:${mosquitto.port}`);
    expect(hub.url).toBe(`mqtt://127.0.0.1:${mosquitto.port}`);
    expect(hub.port).toBe(mosquitto.port);
  });

  it('is shown a client certificate, and has to be of the trusted authority', async () => {
    const mosquitto = await startMosquitto({ certificates });
    const { ca, client, strangerCa } = certificates;
    const own = { certFile: client.cert, clientKeyFile: client.key };
    await openHub(mosquitto.url, { ...own, caFile: ca });
    const distrustful = hubOn(mosquitto.url, { ...own, caFile: strangerCa, clientId: 'other' });
    distrustful.open();
    await expect.poll(() => distrustful.trouble()?.reason, WAIT).toMatch(/certificate/);
    const anonymous = hubOn(mosquitto.url, { caFile: ca, clientId: 'another' });
    anonymous.open();
    await expect.poll(() => anonymous.trouble()?.reason, WAIT).toMatch(/certificate required/);
  });
});
