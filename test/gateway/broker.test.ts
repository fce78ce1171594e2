import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer as createTlsServer } from 'node:tls';
import { Aedes } from 'aedes';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import type { GatewayConfigInput } from '../../src/gateway/config.ts';
import { type Gateway, startGateway } from '../../src/gateway/gateway.ts';
import { createBackOff } from '../../src/process/back-off.ts';
import { realClock } from '../../src/process/clock.ts';
import { readOrMakeKey } from '../../src/process/key-file.ts';
import { createLogger } from '../../src/process/log.ts';
import { type Certificates, makeCertificates } from './certificates.ts';
import { gatewayConfig, testFolder } from './gateway-fixture.ts';
import { createHubStore, type HubStore } from './hub-store.ts';
import { startPlainServer } from './modbus-servers.ts';
import { startHubClient, startMosquitto } from './mosquitto.ts';

const log = createLogger('test', 'silent');
const until = (what: () => boolean, timeout = 15_000): Promise<void> =>
  vi.waitFor(() => expect(what()).toBe(true), { timeout, interval: 20 });

async function gatewayOf(
  folder: string,
  mqtt: Partial<GatewayConfigInput['mqtt']> & { url: string },
  hub: Pick<HubStore, 'key'>,
): Promise<{ gateway: Gateway; publicKey: string }> {
  const server = await startPlainServer((unitId) => 700 + unitId);
  onTestFinished(() => server.close());
  const config = gatewayConfig(folder, { port: 1, key: hub.key }, server.port, {
    mqtt: { reconnectMsMin: 20, reconnectMsMax: 100, ...mqtt },
    clock: { source: 'ntp', errMs: 5 },
    resendAfterMs: 1_000,
  });
  const gateway = await startGateway(config, { clock: realClock, log, build: 'test' });
  onTestFinished(() => gateway.close());
  return { gateway, publicKey: readOrMakeKey(config.keyFile).publicKey };
}

/** Everything of a few seconds arrives, is acknowledged, and leaves the spool. */
async function expectDelivery(gateway: Gateway, store: HubStore, publicKey: string) {
  await until(() => store.counts().batches >= 3);
  await until(() => gateway.status().mqtt.lastAckAtMs !== null);
  await until(() => gateway.status().spool.items <= 2);
  expect(store.faults(publicKey)).toEqual([]);
}

describe('with Mosquitto', () => {
  let certificates: Certificates;
  let folderOfCertificates: string;
  beforeAll(() => {
    folderOfCertificates = mkdtempSync(join(tmpdir(), 'wugan-certificates-'));
    certificates = makeCertificates(folderOfCertificates);
  });
  afterAll(() => rmSync(folderOfCertificates, { recursive: true }));

  it('delivers over TLS with a client certificate, and again after the broker was killed', async () => {
    const folder = testFolder();
    const mosquitto = await startMosquitto(folder, certificates);
    const store = await startHubClient(mosquitto.plainPort);
    const { ca, client } = certificates;
    const { gateway, publicKey } = await gatewayOf(
      folder,
      {
        url: `mqtts://127.0.0.1:${mosquitto.tlsPort}`,
        caFile: ca,
        certFile: client.cert,
        clientKeyFile: client.key,
      },
      store,
    );
    await expectDelivery(gateway, store, publicKey);
    await mosquitto.stop();
    await until(() => !gateway.status().mqtt.isUp);
    const before = gateway.status().seq;
    await until(() => gateway.status().seq >= before + 2);
    await mosquitto.start();
    await until(() => store.counts().batches >= before + 2);
    // What the broker took before the hub was back has its PUBACK and no ack: it comes again.
    await until(() => store.faults(publicKey).length === 0);
  });

  it('delivers over MQTT 5, within the receive maximum of the broker', async () => {
    const folder = testFolder();
    const mosquitto = await startMosquitto(folder, certificates);
    const store = await startHubClient(mosquitto.plainPort);
    const url = `mqtt://127.0.0.1:${mosquitto.plainPort}`;
    const { gateway, publicKey } = await gatewayOf(folder, { url, version: '5' }, store);
    await expectDelivery(gateway, store, publicKey);
  });

  it('never talks to a broker whose authority it does not trust, or without its own certificate', async () => {
    const folder = testFolder();
    const mosquitto = await startMosquitto(folder, certificates);
    const { ca, strangerCa, stranger, client } = certificates;
    const own = { certFile: client.cert, clientKeyFile: client.key };
    const url = `mqtts://127.0.0.1:${mosquitto.tlsPort}`;
    const refused: [files: object, reason: RegExp][] = [
      [{ ...own, caFile: strangerCa }, /self-signed certificate/],
      [own, /self-signed certificate/],
      [
        { ...own, caFile: ca, serverName: 'other.example' },
        /does not match certificate's altnames/,
      ],
      [{ caFile: ca }, /alert certificate required/],
      [{ caFile: ca, certFile: stranger.cert, clientKeyFile: stranger.key }, /alert unknown ca/],
      [{ ...own, caFile: `${ca}.missing` }, /cannot connect: ENOENT/],
    ];
    const store = createHubStore();
    for (const [files, reason] of refused) {
      const { gateway } = await gatewayOf(testFolder(), { url, ...files }, store);
      await until(() => gateway.status().mqtt.failedAttempts >= 3);
      expect(gateway.status().mqtt.lastReason).toMatch(reason);
      expect(gateway.status().mqtt.isUp).toBe(false);
    }
  });
});

describe('with an embedded broker', () => {
  it('delivers over TLS with a client certificate', async () => {
    const folder = testFolder();
    const { ca, server, client } = makeCertificates(folder);
    const { store, port } = await startEmbedded(server, ca);
    const { gateway, publicKey } = await gatewayOf(
      folder,
      {
        url: `mqtts://127.0.0.1:${port}`,
        caFile: ca,
        certFile: client.cert,
        clientKeyFile: client.key,
      },
      store,
    );
    await expectDelivery(gateway, store, publicKey);
  });

  it('is not talked to below TLS 1.2', async () => {
    const folder = testFolder();
    const { ca, server } = makeCertificates(folder);
    const old = createTlsServer({
      cert: readFileSync(server.cert),
      key: readFileSync(server.key),
      minVersion: 'TLSv1.1',
      maxVersion: 'TLSv1.1',
      ciphers: 'DEFAULT@SECLEVEL=0',
    });
    const versions: (string | null)[] = [];
    old.on('secureConnection', (socket) => versions.push(socket.getProtocol()));
    old.on('tlsClientError', () => undefined);
    old.listen(0, '127.0.0.1');
    await once(old, 'listening');
    onTestFinished(() => void old.close());
    const url = `mqtts://127.0.0.1:${(old.address() as AddressInfo).port}`;
    const { gateway } = await gatewayOf(folder, { url, caFile: ca }, createHubStore());
    await until(() => gateway.status().mqtt.failedAttempts >= 2);
    expect(versions).toEqual([]);
  });
});

describe('reconnecting', () => {
  it('waits a random time between 0 and a bound that doubles: full jitter', () => {
    const waits: number[] = [];
    for (let gateway = 0; gateway < 2_000; gateway += 1) {
      const backOff = createBackOff({ msMin: 1_000, msMax: 120_000 }, Math.random);
      for (let attempt = 0; attempt < 4; attempt += 1) backOff.next();
      waits.push(backOff.next());
    }
    const perSecond = new Array<number>(16).fill(0);
    for (const wait of waits) perSecond[Math.floor(wait / 1_000)]! += 1;
    expect(perSecond).toHaveLength(16);
    expect(Math.min(...perSecond)).toBeGreaterThan(60);
    expect(Math.max(...perSecond)).toBeLessThan(210);
  });

  it('goes on at its own pace when the port is dead: attempts are spread, never a storm', async () => {
    const times: number[] = [];
    const deaf = createServer((socket) => {
      times.push(performance.now());
      socket.destroy();
    });
    deaf.listen(0, '127.0.0.1');
    await once(deaf, 'listening');
    onTestFinished(() => void deaf.close());
    const url = `mqtt://127.0.0.1:${(deaf.address() as AddressInfo).port}`;
    const pace = { reconnectMsMin: 50, reconnectMsMax: 400 };
    await gatewayOf(testFolder(), { url, ...pace }, createHubStore());
    await until(() => times.length >= 8);
    expect(times.at(-1)! - times[0]!).toBeGreaterThan(150);
  });
});

/** The embedded broker behind TLS, and a hub in it. */
async function startEmbedded(
  server: Certificates['server'],
  ca: string,
): Promise<{ store: HubStore; port: number }> {
  const store = createHubStore();
  const broker = new Aedes({
    authorizePublish(client, packet, callback) {
      const channel = packet.topic.split('/')[4] ?? '';
      const isStored = client !== null && store.take(channel, Buffer.from(packet.payload));
      callback(null);
      if (!isStored) return;
      const topic = `${packet.topic.slice(0, packet.topic.lastIndexOf('/'))}/ack`;
      const rest = { qos: 1 as const, retain: true, dup: false };
      broker.publish({ cmd: 'publish', topic, payload: store.ack(), ...rest }, () => undefined);
    },
  });
  await broker.listen();
  const listener = createTlsServer(
    {
      cert: readFileSync(server.cert),
      key: readFileSync(server.key),
      ca: readFileSync(ca),
      requestCert: true,
      rejectUnauthorized: true,
    },
    (socket) => broker.handle(socket),
  );
  listener.on('tlsClientError', () => undefined);
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  onTestFinished(async () => {
    listener.close();
    await new Promise<void>((resolve) => broker.close(() => resolve()));
  });
  return { store, port: (listener.address() as AddressInfo).port };
}
