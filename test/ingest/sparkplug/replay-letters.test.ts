import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import mqtt, { type MqttClient } from 'mqtt';
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { replayLetters } from '../../../cli/dead-letters.ts';
import { buildApi } from '../../../src/api/server.ts';
import { DATATYPES } from '../../../src/telemetry/sparkplug/datatypes.ts';
import type { SparkplugMetric } from '../../../src/telemetry/sparkplug/payload.ts';
import { writePayload } from '../../../src/telemetry/sparkplug/write-payload.ts';
import { depsOf } from '../../api/test-api.ts';
import { createTestDatabase, type TestDatabase } from '../../database/test-database.ts';
import { type Mosquitto, startMosquitto } from '../external/mosquitto.ts';
import { startTestIngest } from '../ingest-fixture.ts';
import { readEntries } from '../journal-rows.ts';
import {
  edgeNode,
  laeq,
  registered,
  type SparkplugIngest,
  sparkplugIngest,
  T0,
  WAIT,
} from './sparkplug-fixture.ts';

const TOKEN = 'a'.repeat(32);

let database: TestDatabase;
let mosquitto: Mosquitto;
let started: SparkplugIngest;
beforeEach(async () => {
  database = await createTestDatabase();
  onTestFinished(() => database.close());
  mosquitto = await startMosquitto();
});

async function start(settings = {}): Promise<void> {
  started = await sparkplugIngest(database, mosquitto.url, settings);
  await started.online();
}

interface Letter {
  readonly id: number;
  readonly topic: string;
  readonly reason: string;
}
const letters = async (): Promise<Letter[]> =>
  (
    await database.pool.query<Letter>(
      'select id::int, topic, reason from telemetry.dead_letter order by id',
    )
  ).rows;

const batches = async () =>
  (await readEntries(database.pool)).filter((entry) => entry.kind === 'batch');

/** `second value flag` of the noise meter. */
const readings = async (): Promise<string[]> =>
  (await batches())
    .flatMap(({ batch }) => batch.frames)
    .filter(({ values }) => Object.hasOwn(values, 'laeq'))
    .map(
      ({ at, values, flags }) =>
        `${(at - T0) / 1_000} ${values['laeq' as never]} ${flags?.['laeq' as never] ?? 'N'}`,
    );
const values = async (): Promise<string[]> =>
  (await readings()).filter((text) => !text.includes('null'));

const register = (): void => {
  started.nodes.set('Plant/edge-2', registered('edge-2'));
};

async function publisher(): Promise<MqttClient> {
  const client = await mqtt.connectAsync(mosquitto.url, { reconnectPeriod: 0 });
  onTestFinished(() => client.endAsync(true));
  return client;
}

const data = (seq: number, metrics: Partial<SparkplugMetric>[]): Buffer =>
  Buffer.from(writePayload({ timestampMs: T0, seq, metrics }));

describe('what came before its edge node was registered', () => {
  it('is taken in once it is, by command, and counted once', async () => {
    await start();
    const node = await edgeNode(mosquitto.url, { edgeNode: 'edge-2' });
    for (let second = 0; second < 3; second += 1) node.publish('a', [laeq(second, 80 + second)]);
    await expect.poll(async () => (await letters()).length, WAIT).toBe(5);
    expect((await letters()).every(({ reason }) => reason === 'sparkplug-unregistered')).toBe(true);
    const [first] = (await letters()) as [Letter];
    expect(await started.ingest.replayLetter(first.id)).toMatchObject({ ok: false });
    register();

    vi.spyOn(console, 'log').mockReturnValue();
    onTestFinished(() => void vi.restoreAllMocks());
    const { replayLetter } = started.ingest;
    const app = buildApi(depsOf(database, { replayLetter, operatorToken: TOKEN }));
    onTestFinished(() => app.close());
    const folder = mkdtempSync(join(tmpdir(), 'wugan-letters-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const tokenFile = join(folder, 'token');
    writeFileSync(tokenFile, TOKEN);
    const url = await app.listen({ host: '127.0.0.1', port: 0 });
    const replay = () => replayLetters([], { url, tokenFile, reason: 'sparkplug-unregistered' });
    expect(await replay()).toBe(0);
    expect(await values()).toEqual(['0 80 N', '1 81 N', '2 82 N']);
    expect((await batches()).every(({ topic }) => topic === 'backfill')).toBe(true);
    const stored = await batches();
    const again = await started.ingest.replayLetter((await letters()).at(-1)?.id ?? 0);
    expect(again).toEqual({ ok: true, value: 'duplicate' });
    expect(await batches()).toEqual(stored);
    // Read again from its bytes and what is kept beside them.
    expect((started.ingest.ring.from(1, 100) ?? []).filter(({ kind }) => kind === 'batch')).toEqual(
      stored,
    );
  });

  it('has a death as of the time when it came', async () => {
    await start();
    const node = await edgeNode(mosquitto.url, { edgeNode: 'edge-2' });
    node.publish('a', [laeq(0, 80)]);
    await expect.poll(async () => (await letters()).length, WAIT).toBe(3);
    const before = Date.now();
    node.die();
    await expect.poll(async () => (await letters()).length, WAIT).toBe(4);
    const after = Date.now();
    register();
    const last = (await letters()).at(-1)?.id ?? 0;
    expect(await started.ingest.replayLetter(last)).toMatchObject({ ok: true });
    const [death] = await batches();
    const at = death?.batch.frames[0]?.at ?? 0;
    expect(at).toBeGreaterThanOrEqual(before - 1_000);
    expect(at).toBeLessThanOrEqual(after + 1_000);
  });

  it('stays a letter behind one that is missing: a birth may be', async () => {
    await start();
    const node = await edgeNode(mosquitto.url, { edgeNode: 'edge-2' });
    node.publish('a', [laeq(0, 80)]);
    node.lose();
    node.publish('a', [laeq(2, 82)]);
    await expect.poll(async () => (await letters()).length, WAIT).toBe(4);
    register();
    const last = (await letters()).at(-1)?.id ?? 0;
    expect(await started.ingest.replayLetter(last)).toMatchObject({
      ...{ ok: false, detail: expect.stringContaining('what its aliases meant is not known') },
    });
    expect(await batches()).toEqual([]);
  });

  it('is kept in bounded number, of all such edge nodes together', async () => {
    await start({ strayLettersPerHourMax: 3 });
    const client = await publisher();
    for (let n = 0; n < 5; n += 1) {
      await client.publishAsync(`spBv1.0/Plant/NDATA/edge-${n + 10}`, data(n, []), { qos: 1 });
    }
    await expect.poll(started.outcomes, WAIT).toEqual({ unregistered: 5 });
    await expect.poll(async () => (await letters()).length, WAIT).toBe(3);
  });
});

describe('what came before the birth of its edge node', () => {
  const topic = 'spBv1.0/Plant/DDATA/edge-1/a';

  it('is taken in when it names its metrics with their data types', async () => {
    await start();
    const client = await publisher();
    const named = { ...laeq(0, 80), datatype: DATATYPES.Float };
    await client.publishAsync(topic, data(4, [named]), { qos: 1 });
    await expect.poll(async () => (await letters()).length, WAIT).toBe(1);
    const [letter] = (await letters()) as [Letter];
    expect(letter.reason).toBe('sparkplug-unborn');
    expect(await started.ingest.replayLetter(letter.id)).toEqual({ ok: true, value: 'stored' });
    expect(await values()).toEqual(['0 80 N']);
  });

  it('stays a letter when it has aliases, also after the birth: it may give them another meaning', async () => {
    await start();
    const client = await publisher();
    const { name: _, ...unnamed } = laeq(0, 80);
    await client.publishAsync(topic, data(4, [{ ...unnamed, alias: 7 }]), { qos: 1 });
    await expect.poll(async () => (await letters()).length, WAIT).toBe(1);
    await edgeNode(mosquitto.url);
    await expect.poll(started.statuses, WAIT).toEqual({ online: 1 });
    const [letter] = (await letters()) as [Letter];
    expect(await started.ingest.replayLetter(letter.id)).toMatchObject({ ok: false });
    expect(await values()).toEqual([]);
  });
});

it('a message of Sparkplug on a hub without a host stays a letter', async () => {
  const ingest = await startTestIngest(database);
  onTestFinished(() => ingest.close());
  const { rows } = await database.pool.query<{ id: number }>(
    `insert into telemetry.dead_letter (shard, received_at, source, topic, reason, detail, sha256, raw)
     values ('main', now(), 'x', 'spBv1.0/Plant/NDATA/edge-1', 'sparkplug-malformed', 'd', 's', '')
     returning id::int`,
  );
  expect(await ingest.replayLetter(rows[0]?.id ?? 0)).toMatchObject({
    ...{ ok: false, reason: 'not-a-message' },
  });
});
