import mqtt from 'mqtt';
import { Registry } from 'prom-client';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { startGateway } from '../../../src/gateway/gateway.ts';
import type { Ingest } from '../../../src/ingest/ingest.ts';
import { realClock } from '../../../src/process/clock.ts';
import { readOrMakeKey } from '../../../src/process/key-file.ts';
import { createTestDatabase, silentLog, type TestDatabase } from '../../database/test-database.ts';
import { blocksOf, readDoc } from '../../docs/markdown.ts';
import { gatewayConfig, testFolder } from '../../gateway/gateway-fixture.ts';
import { startPlainServer } from '../../gateway/modbus-servers.ts';
import { batchText, createChain, gatewayFact } from '../gateway-client.ts';
import { HUB_KEY, type Overrides, startTestIngest } from '../ingest-fixture.ts';
import { readEntries, readRows } from '../journal-rows.ts';
import { type Mosquitto, mosquittoPub, startMosquitto } from './mosquitto.ts';

const WAIT = { timeout: 30_000, interval: 20 };

let database: TestDatabase;
let mosquitto: Mosquitto;
beforeEach(async () => {
  database = await createTestDatabase();
  // Not in a hook of its own: that would run before ingest is closed.
  onTestFinished(() => database.close());
  mosquitto = await startMosquitto();
});

async function ingestOn(overrides: Overrides = {}): Promise<Ingest> {
  const ingest = await startTestIngest(database, {
    ...overrides,
    settings: {
      mqtt: { url: mosquitto.url, reconnectMsMin: 10, reconnectMsMax: 100 },
      ...(overrides.settings as object),
    },
  });
  onTestFinished(() => ingest.close());
  return ingest;
}

const connected = (ingest: Ingest) => expect.poll(() => ingest.stats().clients, WAIT).toBe(1);
const live = (gateway: string, region = '330106'): string => `wugan/v1/${region}/${gateway}/live`;

async function deadLetters(): Promise<string[]> {
  const { rows } = await database.pool.query<{ source: string; reason: string }>(
    'select source, reason from telemetry.dead_letter order by source, reason',
  );
  return rows.map(({ source, reason }) => `${source} ${reason}`);
}

describe('ingest over an external broker', () => {
  it('stores what mosquitto_pub sends as a simple producer, and a copy of it once', async () => {
    const ingest = await ingestOn();
    await connected(ingest);
    for (const value of [70, 71, 70]) {
      await mosquittoPub(mosquitto.port, {
        topic: live('gw-1'),
        payload: batchText('gw-1', {}, value),
      });
    }
    await expect
      .poll(() => ingest.stats(), WAIT)
      .toMatchObject({ stored: 2, duplicates: 1, readings: 2 });
    const entries = await readEntries(database.pool);
    expect(entries).toMatchObject([
      { kind: 'batch', gateway: 'gw-1', topic: 'live', epoch: null, seq: null },
      { kind: 'batch', gateway: 'gw-1', topic: 'live', epoch: null, seq: null },
    ]);
  });

  it('takes a simple producer at QoS 0 and QoS 2 as well', async () => {
    const ingest = await ingestOn();
    await connected(ingest);
    for (const qos of [0, 2] as const) {
      const payload = batchText('gw-1', {}, 60 + qos);
      await mosquittoPub(mosquitto.port, { topic: live('gw-1'), payload, qos });
    }
    await expect.poll(() => ingest.stats().stored, WAIT).toBe(2);
  });

  it('puts aside what it can not use, and goes on with the rest', async () => {
    const ingest = await ingestOn();
    await connected(ingest);
    const send = (topic: string, payload: string) =>
      mosquittoPub(mosquitto.port, { topic, payload });
    await send(live('gw-1'), '{"v":1');
    await send(live('gw-1'), batchText('gw-2', {}, 1));
    await send(live('gw-9'), batchText('gw-9', {}, 1));
    await send(live('gw-2', '110101'), batchText('gw-2', {}, 1));
    await send(live('gw-1'), batchText('gw-1', {}, 1));
    await expect.poll(() => ingest.stats().stored, WAIT).toBe(1);
    await expect
      .poll(deadLetters, WAIT)
      .toEqual([
        'gw-1 invalid-json',
        'gw-1 other-gateway',
        'gw-2 unknown-gateway',
        'gw-9 unknown-gateway',
      ]);
    // All of it is acknowledged: nothing is left for the next session.
    await expect.poll(() => ingest.stats().inFlightBytes, WAIT).toBe(0);
  });

  it('takes over from a hub that ends, with what came meanwhile, and not before', async () => {
    const settings = { lease: { durationMs: 1_000 } };
    const first = await ingestOn({ settings });
    await connected(first);
    const metrics = new Registry();
    const secondKey = { ...HUB_KEY, keyId: 'other-hub' };
    const starting = ingestOn({ settings, deps: { key: secondKey, metrics } });
    const send = (value: number) =>
      mosquittoPub(mosquitto.port, {
        topic: live('gw-1'),
        payload: batchText('gw-1', {}, value),
      });
    await send(1);
    await expect.poll(() => first.stats().stored, WAIT).toBe(1);
    const clients = metrics.getSingleMetric('wugan_mqtt_clients');
    expect((await clients?.get())?.values[0]?.value).toBe(0);
    await first.close();
    await send(2);
    const second = await starting;
    await expect.poll(async () => (await readRows(database.pool)).length, WAIT).toBe(2);
    expect(second.stats()).toMatchObject({ stored: 1, duplicates: 0 });
  });

  it('is not ready once the broker was away for more than 10 s, and says why', async () => {
    let aheadMs = 0;
    const ingest = await ingestOn({ deps: { now: () => Date.now() + aheadMs } });
    await connected(ingest);
    expect(ingest.mqttUrl).toBe(mosquitto.url);
    await mosquitto.stop();
    await expect.poll(() => ingest.stats().clients, WAIT).toBe(0);
    expect(ingest.readiness().ok).toBe(true);
    aheadMs = 11_000;
    expect(ingest.readiness()).toMatchObject({
      ok: false,
      detail: expect.stringContaining(`no connection to ${mosquitto.url} since`),
    });
    await mosquitto.start();
    await expect.poll(() => ingest.readiness().ok, WAIT).toBe(true);
  });
});

describe('the access rules that docs/external-broker.md prints', () => {
  it('let a gateway write and read its own topics, no others, and the hub what it needs', async () => {
    const doc = readDoc('docs/external-broker.md');
    const [rules = ''] = blocksOf(doc, '').filter((block) =>
      block.startsWith('# /etc/mosquitto/acl'),
    );
    const guarded = await startMosquitto({
      passwords: { 'wugan-hub': 'h', 'gw-1': 'g' },
      access: rules.split('\n').filter((line) => !line.startsWith('#')),
    });
    const ingest = await ingestOn({
      settings: { mqtt: { url: `mqtt://wugan-hub:h@127.0.0.1:${guarded.port}` } },
    });
    await connected(ingest);
    const gateway = await mqtt.connectAsync(guarded.url, {
      ...{ username: 'gw-1', password: 'g', clientId: 'gw-1', reconnectPeriod: 0 },
    });
    onTestFinished(() => gateway.endAsync(true));
    const acks: string[] = [];
    gateway.on('message', (topic) => acks.push(topic));
    await gateway.subscribeAsync('wugan/v1/330106/+/ack', { qos: 1 });
    for (const topic of [live('gw-2'), 'wugan/v1/330106/gw-1/ack', 'wugan/v1/330106/gw-2/ack']) {
      const args = ['-u', 'gw-1', '-P', 'g'];
      // Mosquitto acknowledges and drops what is not allowed, or closes the connection.
      await mosquittoPub(guarded.port, { topic, payload: '{}', args }).catch(() => undefined);
    }
    await gateway.publishAsync(live('gw-1'), createChain('gw-1').next(1), { qos: 1 });
    await expect.poll(() => ingest.stats(), WAIT).toMatchObject({ stored: 1, received: 1 });
    await expect.poll(() => acks, WAIT).toEqual(['wugan/v1/330106/gw-1/ack']);
  });
});

describe('a gateway over an external broker', () => {
  it('delivers to the hub, and its spool empties on the acks, through a restart of the broker', async () => {
    const folder = testFolder();
    const server = await startPlainServer((unitId) => 700 + unitId);
    onTestFinished(() => server.close());
    const config = gatewayConfig(folder, { port: mosquitto.port, key: HUB_KEY }, server.port, {
      clock: { source: 'ntp', errMs: 5 },
      resendAfterMs: 1_000,
    });
    const { publicKey } = readOrMakeKey(config.keyFile);
    await ingestOn({ gateways: [gatewayFact('gw-test', publicKey)] });
    const gateway = await startGateway(config, { clock: realClock, log: silentLog, build: 'test' });
    onTestFinished(() => gateway.close());
    const delivered = async (seq: number) => {
      await expect.poll(() => gateway.status().seq, WAIT).toBeGreaterThanOrEqual(seq);
      await expect.poll(() => gateway.status().spool.items, WAIT).toBeLessThanOrEqual(2);
    };
    await delivered(3);
    await mosquitto.stop('SIGKILL');
    const { seq } = gateway.status();
    await expect.poll(() => gateway.status().seq, WAIT).toBeGreaterThan(seq);
    await mosquitto.start();
    await delivered(seq + 3);
    const seqs = (await readEntries(database.pool)).flatMap((entry) =>
      entry.kind === 'batch' ? [entry.seq as number] : [],
    );
    expect(new Set(seqs).size).toBe(seqs.length);
    expect(seqs.toSorted((a, b) => a - b)).toEqual(seqs.map((_, i) => i + 1));
  });
});
