import mqtt from 'mqtt';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import type { BatchEntry } from '../../../src/model/entry.ts';
import { writePayload } from '../../../src/telemetry/sparkplug/write-payload.ts';
import { createTestDatabase, type TestDatabase } from '../../database/test-database.ts';
import { type Mosquitto, startMosquitto } from '../external/mosquitto.ts';
import { readEntries, readRows } from '../journal-rows.ts';
import {
  edgeNode,
  HOST,
  laeq,
  PUBLISHERS,
  registered,
  type SparkplugIngest,
  sparkplugIngest,
  T0,
  WAIT,
} from './sparkplug-fixture.ts';

let database: TestDatabase;
let mosquitto: Mosquitto;
beforeEach(async () => {
  database = await createTestDatabase();
  onTestFinished(() => database.close());
  mosquitto = await startMosquitto();
});

const start = async (settings = {}): Promise<SparkplugIngest> => {
  const started = await sparkplugIngest(database, mosquitto.url, settings);
  await started.online();
  return started;
};

const batches = async (): Promise<BatchEntry[]> =>
  (await readEntries(database.pool)).filter((entry) => entry.kind === 'batch');

/** `second value flag` of all readings of a metric that were stored, in order of time. */
async function readings(metric = 'laeq'): Promise<string[]> {
  return (await batches())
    .flatMap(({ batch }) => batch.frames)
    .filter(({ values }) => Object.hasOwn(values, metric))
    .map(({ at, values, flags }) => ({
      at,
      text: `${(at - T0) / 1_000} ${values[metric as never]} ${flags?.[metric as never] ?? 'N'}`,
    }))
    .sort((a, b) => a.at - b.at)
    .map(({ text }) => text);
}

/** Readings that are values: births before the first one and deaths have none. */
const values = async (): Promise<string[]> =>
  (await readings()).filter((text) => !text.includes('null'));

describe('Sparkplug over Mosquitto', () => {
  it('stores what edge node and device measure, under the names of the registry', async () => {
    const { outcomes, statuses } = await start();
    const node = await edgeNode(mosquitto.url);
    node.publish('a', [laeq(0, 83.2)]);
    node.publish(null, [
      { name: 'Box/Temp', timestampMs: T0, value: { kind: 'int', value: 0xfff4 } },
    ]);
    await expect.poll(values, WAIT).toEqual(['0 83.2 N']);
    await expect.poll(() => readings('temp'), WAIT).toContain('0 -12 N');
    expect(await statuses()).toEqual({ online: 1 });
    expect(await outcomes()).toMatchObject({ stored: 4 });
    const [birth] = await batches();
    expect(birth).toMatchObject({ gateway: 'gw-edge-1', epoch: null, seq: null, topic: 'live' });
  });

  it('reads from the journal what readers in the process were given, births or not', async () => {
    const { ingest } = await start();
    const node = await edgeNode(mosquitto.url);
    for (let second = 0; second < 5; second += 1) node.publish('a', [laeq(second, 80 + second)]);
    node.endDevice('a');
    await expect.poll(async () => (await readings()).at(-1), WAIT).toMatch(/null B$/);
    const live = ingest.ring.from(1, 1_000);
    expect(await readEntries(database.pool)).toEqual(live);
    const rows = await readRows(database.pool);
    const data = rows.filter(({ kind }) => kind === 'live');
    expect(data.every(({ dialect, context }) => dialect === 'sparkplug' && context !== null)).toBe(
      true,
    );
  });

  it('marks historical values as late data', async () => {
    await start();
    const node = await edgeNode(mosquitto.url);
    node.publish('a', [
      laeq(-60, 70, { isHistorical: true }),
      laeq(-59, 71, { isHistorical: true }),
    ]);
    await expect.poll(values, WAIT).toEqual(['-60 70 N', '-59 71 N']);
    expect((await batches()).map(({ topic }) => topic)).toContain('backfill');
  });

  it('shows a death of the edge node, and of a device, as no communication', async () => {
    const { statuses } = await start();
    const node = await edgeNode(mosquitto.url);
    node.publish('a', [laeq(0, 80)]);
    await expect.poll(values, WAIT).toEqual(['0 80 N']);
    const before = Date.now();
    node.die();
    await expect.poll(statuses, WAIT).toEqual({ offline: 1 });
    await expect
      .poll(async () => (await batches()).at(-1)?.batch.meta, WAIT)
      .toMatchObject({ sparkplug: { source: 'Plant/edge-1', content: 'stale' } });
    const { frames } = (await batches()).at(-1)?.batch ?? { frames: [] };
    expect(frames.map(({ device, flags }) => [device, flags])).toEqual([
      ['edge-1-noise', { laeq: 'B', battery: 'B' }],
      ['edge-1-box', { temp: 'B' }],
    ]);
    expect(frames[0]?.at).toBeGreaterThan(before - 1_000);
  });

  it('asks for a rebirth after a lost message, and keeps what came behind it', async () => {
    const { rebirths } = await start();
    const node = await edgeNode(mosquitto.url);
    node.publish('a', [laeq(0, 80)]);
    node.lose();
    node.publish('a', [laeq(2, 82)]);
    node.publish('a', [laeq(3, 83)]);
    await expect.poll(() => node.rebirths(), WAIT).toBe(1);
    await expect
      .poll(async () => new Set(await values()), WAIT)
      .toEqual(new Set(['0 80 N', '2 82 N', '3 83 N']));
    expect(await rebirths()).toBe(1);
  });

  it('asks an edge node for its births that was born before it came', async () => {
    const node = await edgeNode(mosquitto.url);
    const { outcomes } = await start();
    node.publish('a', [laeq(0, 80)]);
    await expect.poll(() => node.rebirths(), WAIT).toBe(1);
    node.publish('a', [laeq(1, 81)]);
    await expect.poll(async () => (await values()).includes('1 81 N'), WAIT).toBe(true);
    expect(await outcomes()).toMatchObject({ 'dead-letter': 1 });
  });

  it('goes on after the broker was restarted, with a rebirth', async () => {
    await start();
    let node = await edgeNode(mosquitto.url);
    node.publish('a', [laeq(0, 80)]);
    await expect.poll(values, WAIT).toEqual(['0 80 N']);
    await mosquitto.stop('SIGKILL');
    await node.ended;
    await mosquitto.start();
    node = await edgeNode(mosquitto.url, { bdSeq: 1, primaryHost: HOST });
    await expect.poll(() => node.isBorn(), WAIT).toBe(true);
    node.publish('a', [laeq(5, 85)]);
    await expect.poll(values, WAIT).toEqual(['0 80 N', '5 85 N']);
  });

  it('keeps what it can not read as a dead letter, in bounded number', async () => {
    const { outcomes } = await start({ lettersPerBirthMax: 3 });
    const client = await mqtt.connectAsync(mosquitto.url, { reconnectPeriod: 0 });
    onTestFinished(() => client.endAsync(true));
    for (let n = 0; n < 5; n += 1) {
      const garbage = Buffer.from([0x12, 0xff, n]);
      await client.publishAsync('spBv1.0/Plant/DDATA/edge-1/a', garbage, { qos: 1 });
    }
    await expect.poll(outcomes, WAIT).toEqual({ 'dead-letter': 3, dropped: 2 });
    const { rows } = await database.pool.query(
      'select source, topic, reason from telemetry.dead_letter',
    );
    expect(rows).toHaveLength(3);
    expect(rows[0]).toEqual({
      ...{ source: 'gw-edge-1', topic: 'spBv1.0/Plant/DDATA/edge-1/a' },
      reason: 'sparkplug-malformed',
    });
  });

  it('takes no notice of edge nodes that are not registered, until they are', async () => {
    const { outcomes, nodes } = await start();
    const node = await edgeNode(mosquitto.url, { edgeNode: 'edge-2' });
    node.publish('a', [laeq(0, 80)]);
    await expect.poll(outcomes, WAIT).toEqual({ unregistered: 3 });
    nodes.set('Plant/edge-2', registered('edge-2'));
    node.publish('a', [laeq(1, 81)]);
    await expect.poll(() => node.rebirths(), WAIT).toBe(1);
    node.publish('a', [laeq(2, 82)]);
    await expect.poll(async () => (await values()).includes('2 82 N'), WAIT).toBe(true);
  });

  it('follows a change of the registry from the next message on', async () => {
    const { nodes } = await start();
    const node = await edgeNode(mosquitto.url);
    node.publish('a', [laeq(0, 80)]);
    await expect.poll(values, WAIT).toEqual(['0 80 N']);
    const changed = registered();
    const [noise] = changed.devices;
    nodes.set('Plant/edge-1', {
      ...changed,
      devices: [
        { ...noise, sparkplug: { ...noise?.sparkplug, spanS: 5 } } as typeof noise & object,
      ],
    });
    node.publish('a', [laeq(10, 90)]);
    await expect.poll(values, WAIT).toEqual(['0 80 N', '10 90 N']);
    expect((await batches()).at(-1)?.batch.frames[0]?.spanMs).toBe(5_000);
  });

  it('counts a message once that came twice', async () => {
    const { outcomes } = await start();
    const client = await mqtt.connectAsync(mosquitto.url, { reconnectPeriod: 0 });
    onTestFinished(() => client.endAsync(true));
    const birth = writePayload({
      ...{ timestampMs: T0, seq: 0 },
      metrics: [
        { name: 'bdSeq', datatype: 4, value: { kind: 'long', value: 0n } },
        { ...laeq(0, 20), name: 'Box/Temp', datatype: 9 },
      ],
    });
    for (let n = 0; n < 2; n += 1) {
      await client.publishAsync('spBv1.0/Plant/NBIRTH/edge-1', Buffer.from(birth), { qos: 1 });
    }
    await expect.poll(outcomes, WAIT).toEqual({ stored: 1, duplicate: 1 });
  });
});

describe('a host that can not store', () => {
  it('goes offline, so that edge nodes of which it is the primary host keep what they measure', async () => {
    const started = await start({ storingTroubleMsMax: 200 });
    const first = await edgeNode(mosquitto.url, { primaryHost: HOST });
    await expect.poll(() => first.isBorn(), WAIT).toBe(true);
    first.publish('a', [laeq(0, 80)]);
    await expect.poll(values, WAIT).toEqual(['0 80 N']);

    await database.pool.query('alter table telemetry.block rename to block_away');
    first.publish('a', [laeq(1, 81)]);
    // The edge node says goodbye when it hears that the host is offline.
    await first.ended;
    expect(started.ingest.sparkplug?.readiness()).toMatchObject({
      ...{ ok: false, detail: expect.stringContaining('the journal can not be written') },
    });
    const second = await edgeNode(mosquitto.url, { primaryHost: HOST, bdSeq: 1 });
    expect(second.isBorn()).toBe(false);

    await database.pool.query('alter table telemetry.block_away rename to block');
    await expect.poll(() => second.isBorn(), WAIT).toBe(true);
    second.publish('a', [laeq(2, 82, { isHistorical: true }), laeq(3, 83)]);
    await expect.poll(values, WAIT).toEqual(['0 80 N', '1 81 N', '2 82 N', '3 83 N']);
    expect(started.ingest.sparkplug?.readiness().ok).toBe(true);
  });

  it('says that it is offline before it ends, and again through the broker when it is killed', async () => {
    const watcher = await mqtt.connectAsync(mosquitto.url, { reconnectPeriod: 0 });
    onTestFinished(() => watcher.endAsync(true));
    const states: boolean[] = [];
    watcher.on('message', (_topic, payload) => states.push(JSON.parse(payload.toString()).online));
    await watcher.subscribeAsync(`spBv1.0/STATE/${HOST}`, { qos: 1 });
    const { ingest } = await start();
    await expect.poll(() => states, WAIT).toEqual([true]);
    await ingest.close();
    await expect.poll(() => states, WAIT).toEqual([true, false]);
  });
});

it('the publishers of the test have what the registry asks for', () => {
  const names = [...PUBLISHERS.values()].flat().map(({ name }) => name);
  const wanted = registered().devices.flatMap(({ sparkplug }) =>
    Object.keys(sparkplug?.metrics ?? {}),
  );
  expect(new Set(names)).toEqual(new Set(wanted));
});
