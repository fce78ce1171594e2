import mqtt, { type MqttClient } from 'mqtt';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { runSparkplugNode } from '../../../simulators/sparkplug-run.ts';
import type { BatchEntry } from '../../../src/model/entry.ts';
import { realClock } from '../../../src/process/clock.ts';
import { DATATYPES } from '../../../src/telemetry/sparkplug/datatypes.ts';
import { writePayload } from '../../../src/telemetry/sparkplug/write-payload.ts';
import { createTestDatabase, type TestDatabase } from '../../database/test-database.ts';
import { readEntries } from '../journal-rows.ts';
import {
  edgeNode,
  HOST,
  laeq,
  registered,
  type SparkplugIngest,
  sparkplugIngest,
  T0,
  WAIT,
} from './sparkplug-fixture.ts';

let database: TestDatabase;
let started: SparkplugIngest;
beforeEach(async () => {
  database = await createTestDatabase();
  onTestFinished(() => database.close());
});

async function start(settings = {}): Promise<void> {
  const gateways = ['edge-1', 'edge-2'].map((name) => registered(name).gateway);
  started = await sparkplugIngest(database, null, settings, { gateways });
  started.nodes.set('Plant/edge-2', registered('edge-2'));
}

const node = (options: Parameters<typeof edgeNode>[1] = {}) =>
  edgeNode(started.ingest.mqttUrl, { clientId: 'gw-edge-1', ...options });

async function connect(clientId: string): Promise<MqttClient> {
  const client = await mqtt.connectAsync(started.ingest.mqttUrl, { clientId, reconnectPeriod: 0 });
  client.on('error', () => undefined);
  onTestFinished(() => client.endAsync(true));
  return client;
}

const batches = async (): Promise<BatchEntry[]> =>
  (await readEntries(database.pool)).filter((entry) => entry.kind === 'batch');

/** `second value` of what the noise meter measured, in order of time. */
const values = async (): Promise<string[]> =>
  (await batches())
    .flatMap(({ batch }) => batch.frames)
    .flatMap(({ at, values: of }) => {
      const value = of['laeq' as never] ?? null;
      return value === null ? [] : [{ at, text: `${(at - T0) / 1_000} ${value}` }];
    })
    .sort((a, b) => a.at - b.at)
    .map(({ text }) => text);

describe('edge nodes on the hub’s own broker', () => {
  it('come under the id of their gateway, and what they publish is stored', async () => {
    await start();
    const edge = await node();
    for (let second = 0; second < 20; second += 1) edge.publish('a', [laeq(second, 80)]);
    await expect.poll(async () => (await values()).length, WAIT).toBe(20);
    expect(await started.statuses()).toEqual({ online: 1 });
    expect((await batches()).every(({ gateway }) => gateway === 'gw-edge-1')).toBe(true);
    await expect(connect('anybody')).rejects.toThrow('Not authorized');
  });

  it('learn from the retained STATE that their primary host is online', async () => {
    await start();
    const edge = await node({ primaryHost: HOST });
    await expect.poll(() => edge.isBorn(), WAIT).toBe(true);
    await started.ingest.close();
    // It says goodbye when it hears that the host is offline, or loses the line.
    await edge.ended;
    expect(edge.isBorn()).toBe(false);
  });

  it('are asked for their births after a lost message', async () => {
    await start();
    const edge = await node();
    edge.publish('a', [laeq(0, 80)]);
    edge.lose();
    edge.publish('a', [laeq(2, 82)]);
    await expect.poll(() => edge.rebirths(), WAIT).toBe(1);
    await expect.poll(async () => [...new Set(await values())], WAIT).toEqual(['0 80', '2 82']);
  });

  it('are dead when their connection breaks: the will is journaled', async () => {
    await start();
    const edge = await node();
    edge.publish('a', [laeq(0, 80)]);
    await expect.poll(values, WAIT).toEqual(['0 80']);
    edge.die();
    await expect.poll(() => started.statuses(), WAIT).toEqual({ offline: 1 });
    await expect
      .poll(async () => (await batches()).at(-1)?.batch.meta, WAIT)
      .toMatchObject({ sparkplug: { source: 'Plant/edge-1', content: 'stale' } });
    const again = await node({ bdSeq: 1 });
    again.publish('a', [laeq(1, 81)]);
    await expect.poll(values, WAIT).toEqual(['0 80', '1 81']);
  });

  it.each([
    'spBv1.0/Plant/NDATA/edge-2',
    'spBv1.0/Plant/DDATA/edge-2/a',
    'spBv1.0/Other/NDATA/edge-1',
    'spBv1.0/Plant/NCMD/edge-1',
    'spBv1.0/Plant/NCMD/edge-2',
    `spBv1.0/STATE/${HOST}`,
    'spBv1.0/Plant/NDATA/edge-1/a/b',
  ])('are closed when they publish on %s', async (topic) => {
    await start();
    const client = await connect('gw-edge-1');
    const closed = new Promise<void>((resolve) => client.once('close', () => resolve()));
    client.publish(topic, 'x', { qos: 0 });
    await closed;
    expect(await started.outcomes()).toEqual({});
  });

  it('read their own commands and the STATE, and nothing of others', async () => {
    await start();
    const client = await connect('gw-edge-1');
    const granted = async (topic: string): Promise<boolean> =>
      ((await client.subscribeAsync(topic, { qos: 1 }).catch(() => [])) as { qos: number }[]).some(
        ({ qos }) => qos === 1,
      );
    for (const topic of [
      'spBv1.0/Plant/NCMD/edge-1',
      'spBv1.0/Plant/DCMD/edge-1/#',
      `spBv1.0/STATE/${HOST}`,
    ]) {
      expect(await granted(topic), topic).toBe(true);
    }
    for (const topic of [
      'spBv1.0/#',
      'spBv1.0/Plant/NCMD/edge-2',
      'spBv1.0/Plant/NCMD/#',
      'spBv1.0/Plant/DDATA/edge-1/#',
    ]) {
      expect(await granted(topic), topic).toBe(false);
    }
  });

  it('get no PUBACK before the commit, where they ask for one', async () => {
    await start();
    const client = await connect('gw-edge-1');
    await database.pool.query('alter table telemetry.block rename to block_away');
    const birth = writePayload({
      ...{ timestampMs: T0, seq: 0 },
      metrics: [
        { name: 'bdSeq', datatype: DATATYPES.Int64, value: { kind: 'long', value: 0n } },
        { ...laeq(0, 20), name: 'Box/Temp', datatype: DATATYPES.Float },
      ],
    });
    let isAcknowledged = false;
    const told = client
      .publishAsync('spBv1.0/Plant/NBIRTH/edge-1', Buffer.from(birth), { qos: 1 })
      .then(() => {
        isAcknowledged = true;
      });
    await expect.poll(() => started.ingest.readiness().ok, WAIT).toBe(false);
    expect(isAcknowledged).toBe(false);
    await database.pool.query('alter table telemetry.block_away rename to block');
    await told;
    expect(await batches()).toHaveLength(1);
  });

  it('lose nothing while the host can not store and says that it is offline', async () => {
    await start({ storingTroubleMsMax: 200 });
    const stubborn = await node();
    stubborn.publish('a', [laeq(0, 80)]);
    await expect.poll(values, WAIT).toEqual(['0 80']);
    await database.pool.query('alter table telemetry.block rename to block_away');
    stubborn.publish('a', [laeq(1, 81)]);
    await expect.poll(() => started.ingest.sparkplug?.readiness().ok, WAIT).toBe(false);
    stubborn.publish('a', [laeq(2, 82)]);
    await database.pool.query('alter table telemetry.block_away rename to block');
    await expect.poll(values, WAIT).toEqual(['0 80', '1 81', '2 82']);
    await expect.poll(() => started.ingest.sparkplug?.readiness().ok, WAIT).toBe(true);
    expect(stubborn.rebirths()).toBe(0);
  });
});

it('the simulated edge node works with the hub’s own broker', async () => {
  await start();
  const report = await runSparkplugNode(
    {
      ...{ mqttUrl: started.ingest.mqttUrl, clientId: 'gw-edge-1', group: 'Plant' },
      ...{ edgeNode: 'edge-1', device: 'a', values: { 'Noise/LAeq': 83 }, primaryHost: HOST },
      ...{ seconds: 2, loseEvery: 0, dieAfterSeconds: 0 },
    },
    { clock: realClock, signal: new AbortController().signal, onEvent: () => undefined },
  );
  expect(report).toMatchObject({ sessions: 1, lost: 0, left: 0 });
  await expect.poll(async () => (await values()).length, WAIT).toBe(2);
});
