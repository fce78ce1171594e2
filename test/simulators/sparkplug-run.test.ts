import { beforeEach, expect, it, onTestFinished } from 'vitest';
import { runSparkplugNode, type SparkplugRunOptions } from '../../simulators/sparkplug-run.ts';
import { realClock } from '../../src/process/clock.ts';
import { createTestDatabase, type TestDatabase } from '../database/test-database.ts';
import { type Mosquitto, startMosquitto } from '../ingest/external/mosquitto.ts';
import { readEntries } from '../ingest/journal-rows.ts';
import { edgeNode, HOST, sparkplugIngest, WAIT } from '../ingest/sparkplug/sparkplug-fixture.ts';

let database: TestDatabase;
let mosquitto: Mosquitto;
beforeEach(async () => {
  database = await createTestDatabase();
  onTestFinished(() => database.close());
  mosquitto = await startMosquitto();
});

const run = (options: Partial<SparkplugRunOptions>) =>
  runSparkplugNode(
    {
      ...{
        mqttUrl: mosquitto.url,
        clientId: 'node',
        group: 'Plant',
        edgeNode: 'edge-1',
        device: 'a',
      },
      ...{ values: { 'Noise/LAeq': 83 }, primaryHost: null, seconds: 4 },
      ...{ loseEvery: 0, dieAfterSeconds: 0 },
      ...options,
    },
    { clock: realClock, signal: new AbortController().signal, onEvent: () => undefined },
  );

/** Seconds of which a value is stored. */
const seconds = async (): Promise<Set<number>> =>
  new Set(
    (await readEntries(database.pool))
      .flatMap((entry) => (entry.kind === 'batch' ? entry.batch.frames : []))
      .filter(({ values }) => typeof values['laeq' as never] === 'number')
      .map(({ at }) => at),
  );

it('the simulated edge node loses what it is told to, and the host has the rest', async () => {
  await (await sparkplugIngest(database, mosquitto.url)).online();
  const report = await run({ loseEvery: 3, primaryHost: HOST });
  expect(report).toMatchObject({ sessions: 1, left: 0 });
  expect(report.sent + report.historical + report.lost).toBe(4);
  expect(report.lost).toBe(1);
  // Where the lost one was the last, nothing is told of it before the death.
  await expect.poll(async () => (await seconds()).size, WAIT).toBeGreaterThanOrEqual(2);
});

it('the simulated edge node dies and comes back with what it measured meanwhile', async () => {
  await (await sparkplugIngest(database, mosquitto.url)).online();
  const report = await run({ dieAfterSeconds: 1, primaryHost: HOST, seconds: 5 });
  expect(report.sessions).toBeGreaterThan(1);
  expect(report.sent + report.historical + report.left).toBe(5);
  await expect.poll(async () => (await seconds()).size, WAIT).toBeGreaterThanOrEqual(1);
});

it('the simulated edge node stores for a host that is not there', async () => {
  const report = await run({ primaryHost: 'nobody', seconds: 2 });
  expect(report).toMatchObject({ sessions: 1, sent: 0, left: 2 });
});

it('an edge node whose connection broke can be ended', async () => {
  const node = await edgeNode(mosquitto.url);
  node.die();
  expect(node.isBorn()).toBe(false);
  await node.end();
});
