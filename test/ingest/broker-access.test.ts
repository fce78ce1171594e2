import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import mqtt, { type IClientOptions, type MqttClient } from 'mqtt';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Broker, Publication } from '../../src/ingest/broker.ts';
import { brokerSettings } from '../../src/ingest/embedded/broker-settings.ts';
import { makePassword, openPasswords } from '../../src/ingest/embedded/passwords.ts';
import { startEmbeddedBroker } from '../../src/ingest/embedded-broker.ts';
import { ConfigError } from '../../src/process/config-file.ts';
import { type Certificates, makeCertificates } from '../gateway/certificates.ts';
import { gatewayFact, REGION } from './gateway-client.ts';

const GATEWAYS = ['gw-test', 'gw-1', 'gw-2'];

let folder: string;
let broker: Broker | undefined;
let received: Publication[];
let refused: string[];
const clients: MqttClient[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'wugan-broker-'));
  received = [];
  refused = [];
});

afterEach(async () => {
  for (const client of clients.splice(0)) await client.endAsync(true);
  await broker?.close();
  broker = undefined;
  rmSync(folder, { recursive: true });
});

async function start(settings: object): Promise<Broker> {
  broker = await startEmbeddedBroker({
    ...{ host: '127.0.0.1', port: 0, clientsMax: 20, inFlightBytesMax: 10_000_000, bridges: [] },
    broker: brokerSettings.parse(settings),
    gateway: (id) => (GATEWAYS.includes(id) ? gatewayFact(id) : undefined),
    onPublication: (publication) => {
      received.push(publication);
      publication.done('kept');
    },
    onRefused: (reason) => refused.push(reason),
  });
  broker.open();
  return broker;
}

/** Why the connection was refused; `connected` when it wasn't. */
async function outcomeOf(clientId: string, options: IClientOptions = {}): Promise<string> {
  try {
    const url = (broker as Broker).url;
    const settings = { clientId, reconnectPeriod: 0, connectTimeout: 5_000, ...options };
    clients.push(await mqtt.connectAsync(url, settings, false));
    return 'connected';
  } catch (error) {
    return (error as Error).message;
  }
}

describe('a broker with passwords', () => {
  it('lets each client in with its own, and nobody else', async () => {
    const passwordsFile = join(folder, 'passwords');
    const password = makePassword(passwordsFile, 'gw-1');
    makePassword(passwordsFile, 'gw-2');
    await start({ passwordsFile });
    const username = 'gw-1';
    expect(await outcomeOf('gw-1', { username, password })).toBe('connected');
    for (const options of [{ username, password: 'wrong' }, { username: 'gw-2', password }, {}]) {
      expect(await outcomeOf('gw-1', options)).toContain('Not authorized');
    }
    expect(await outcomeOf('gw-2', { username: 'gw-2', password })).toContain('Not authorized');
    expect(await outcomeOf('gw-test', { username: 'gw-test', password })).toContain('authorized');
    expect(new Set(refused)).toEqual(new Set(['wrong password']));
  });

  it('knows a new password at once, and the old one no more', async () => {
    const passwordsFile = join(folder, 'passwords');
    const old = makePassword(passwordsFile, 'gw-1');
    await start({ passwordsFile });
    const fresh = makePassword(passwordsFile, 'gw-1');
    const username = 'gw-1';
    expect(await outcomeOf('gw-1', { username, password: fresh })).toBe('connected');
    expect(await outcomeOf('gw-1', { username, password: old })).toContain('Not authorized');
  });

  it('keeps no password in the file, and the file from others', () => {
    const file = join(folder, 'passwords');
    const password = makePassword(file, 'gw-1');
    expect(readFileSync(file, 'utf8')).not.toContain(password);
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  it('names every line that it can not read, and lets nobody in by a file that broke', () => {
    const file = join(folder, 'passwords');
    writeFileSync(file, 'gw-1:secret\n# who\ngw 2:x\n');
    expect(() => openPasswords(file, () => undefined)).toThrow(ConfigError);
    expect(() => openPasswords(file, () => undefined)).toThrow('line 3');
    expect(() => openPasswords(join(folder, 'none'), () => undefined)).toThrow('ENOENT');
    const good = join(folder, 'good');
    const password = makePassword(good, 'gw-1');
    const faults: string[] = [];
    const passwords = openPasswords(good, (error) => faults.push(error.message));
    expect(passwords.isRight('gw-1', password)).toBe(true);
    rmSync(good);
    expect(passwords.isRight('gw-1', password)).toBe(false);
    expect(faults).toHaveLength(1);
  });
});

describe('a broker with TLS', () => {
  let files: Certificates;
  beforeEach(() => {
    files = makeCertificates(folder);
  });

  const server = () => ({ certFile: files.server.cert, keyFile: files.server.key });
  const trusting = () => ({ ca: readFileSync(files.ca) });
  const showing = ({ cert, key }: { cert: string; key: string }) => ({
    ...trusting(),
    cert: readFileSync(cert),
    key: readFileSync(key),
  });

  it('speaks TLS alone', async () => {
    const { url, port } = await start({ tls: server() });
    expect(url).toMatch(/^mqtts:/);
    expect(await outcomeOf('gw-1', trusting())).toBe('connected');
    const plain = mqtt.connectAsync(
      `mqtt://127.0.0.1:${port}`,
      { clientId: 'gw-1', reconnectPeriod: 0, connectTimeout: 2_000 },
      false,
    );
    await expect(plain).rejects.toThrow();
  });

  it('asks for a certificate in the name of the client where it is told to', async () => {
    await start({ tls: { ...server(), clientCaFile: files.ca } });
    expect(await outcomeOf('gw-test', showing(files.client))).toBe('connected');
    expect(await outcomeOf('gw-1', showing(files.client))).toContain('Not authorized');
    expect(await outcomeOf('gw-test', showing(files.stranger))).not.toBe('connected');
    expect(await outcomeOf('gw-test', trusting())).not.toBe('connected');
    expect(refused).toContain('certificate of another');
  });

  it('does not start without its files', async () => {
    const tls = { ...server(), keyFile: join(folder, 'none.key') };
    await expect(start({ tls })).rejects.toThrow('none.key');
  });
});

describe('a client that sends faster than its rate', () => {
  it('loses nothing and holds up nobody', async () => {
    await start({ clientRate: { messagesPerSecond: 40 } });
    expect(await outcomeOf('gw-1')).toBe('connected');
    expect(await outcomeOf('gw-2')).toBe('connected');
    const [fast, slow] = clients as [MqttClient, MqttClient];
    const topic = (id: string): string => `wugan/v1/${REGION}/${id}/live`;
    const sent = Array.from({ length: 130 }, (_, i) =>
      fast.publishAsync(topic('gw-1'), `${i}`.padStart(9_000, ' '), { qos: 1 }),
    );
    await slow.publishAsync(topic('gw-2'), 'x', { qos: 1 });
    await Promise.all(sent);
    const fromFast = received.filter(({ gateway }) => gateway.id === 'gw-1');
    expect(fromFast.map(({ payload }) => Number(payload))).toEqual(sent.map((_, i) => i));
    expect(received.at(-1)?.gateway.id).toBe('gw-1');
  });
});
