import { Registry } from 'prom-client';
import { afterEach, beforeEach } from 'vitest';
import { influxSettings } from '../../../src/ingest/influx/settings.ts';
import { type InfluxSink, startInfluxSink } from '../../../src/ingest/influx/sink.ts';
import type { Submission } from '../../../src/ingest/journal/submission.ts';
import { canonicalJson, sha256Hex } from '../../../src/model/digest.ts';
import { Fact } from '../../../src/model/facts.ts';
import { createTestDatabase, silentLog, type TestDatabase } from '../../database/test-database.ts';
import { openJournal, type TestJournal } from '../journal-fixture.ts';
import { type InfluxStub, startInfluxStub } from './influx-stub.ts';

/** A whole minute a few minutes ago: servers with a retention take it. */
export const START_MS = Math.floor(Date.now() / 60_000) * 60_000 - 10 * 60_000;

export interface TestSink extends InfluxSink {
  metric(name: string, labels?: Readonly<Record<string, string>>): Promise<number | undefined>;
}

/** The sink on a journal, with waits that suit a test. */
export function startTestSink(
  { pool }: Pick<TestDatabase, 'pool'>,
  journal: TestJournal,
  { withRing = true, ...settings }: { url: string; withRing?: boolean } & Record<string, unknown>,
): TestSink {
  const registry = new Registry();
  const parsed = influxSettings.parse({
    timeoutMs: 1_000,
    intervalMs: 0,
    cpuShareMax: 1,
    retry: { backoffMsMin: 5, backoffMsMax: 50 },
    ...settings,
  });
  const sink = startInfluxSink(
    { ...parsed, url: settings.url },
    {
      pool,
      shard: 'main',
      journal: { head: journal.ring, ...(withRing ? { ring: journal.ring } : {}) },
      bounds: { aheadMsMax: 120_000, ageMsMax: 400 * 86_400_000 },
      metrics: registry,
      log: silentLog,
      now: Date.now,
    },
  );
  return {
    ...sink,
    async metric(name, labels = {}) {
      const { values } = (await registry.getSingleMetric(name)?.get()) ?? { values: [] };
      return values.find(({ labels: has }) =>
        Object.entries(labels).every(([key, value]) => has[key as never] === value),
      )?.value;
    },
  };
}

/** What a test of the sink has: a database with a journal, a stub, and the sink once it is started. */
export interface SinkBench {
  readonly database: TestDatabase;
  readonly journal: TestJournal;
  readonly stub: InfluxStub;
  readonly sink: TestSink | undefined;
  /** Starts the sink on the stub; it is closed with the rest, or by `close`. */
  start(settings?: object): TestSink;
  /** Opens the journal anew in another way. */
  reopenJournal(options: Parameters<typeof openJournal>[1]): Promise<void>;
}

/** Made anew for each test of the file. */
export function useSinkBench(): SinkBench {
  let made: Pick<SinkBench, 'database' | 'journal' | 'stub'>;
  let sink: TestSink | undefined;
  beforeEach(async () => {
    const [database, stub] = await Promise.all([createTestDatabase(), startInfluxStub()]);
    made = { database, stub, journal: await openJournal(database) };
  });
  afterEach(async () => {
    await sink?.close();
    sink = undefined;
    await made.journal.writer.close();
    await made.stub.close();
    await made.database.close();
  });
  return {
    get database() {
      return made.database;
    },
    get journal() {
      return made.journal;
    },
    get stub() {
      return made.stub;
    },
    get sink() {
      return sink;
    },
    async reopenJournal(options) {
      await made.journal.writer.close();
      made = { ...made, journal: await openJournal(made.database, options) };
    },
    start(settings = {}) {
      sink = startTestSink(made.database, made.journal, { url: made.stub.url, ...settings });
      return sink;
    },
  };
}

/** Appends a fact to the journal as the hub does; ends when it is durable. */
export const appendFact = (
  { writer }: TestJournal,
  fact: { entity: string; id: string; validFromMs?: number; value: unknown },
): Promise<void> =>
  new Promise((done) => {
    const parsed = Fact.parse({
      v: 1,
      validFromMs: 0,
      source: { by: 'test', sha256: '' },
      ...fact,
    });
    const raw = Buffer.from(canonicalJson(parsed));
    const submission: Submission = {
      ...{ raw, sha256: sha256Hex(raw), receivedAtMs: Date.now() },
      kind: 'fact',
      fact: parsed,
      done: () => done(),
    };
    writer.submit(submission);
  });

/** An enterprise with two posts, a point in each, and a device with two metrics in the first. */
export async function appendRegistry(journal: TestJournal): Promise<void> {
  const uscc = '91330106MA2CFLR43E';
  await appendFact(journal, {
    entity: 'enterprise',
    id: uscc,
    value: { uscc, name: '示例', region: '330106' },
  });
  for (const id of ['weld', 'paint']) {
    await appendFact(journal, {
      entity: 'post',
      id,
      value: {
        ...{ id, enterprise: uscc, name: id, exposedWorkers: 3 },
        hazards: [{ factor: 'noise', primary: { device: 'noise-01', metric: 'laeq' } }],
      },
    });
    const point = { id: `${id}-p1`, post: id, location: 'north' };
    await appendFact(journal, { entity: 'point', id: point.id, value: point });
  }
  await appendFact(journal, { entity: 'device', id: 'noise-01', value: device('weld-p1') });
}

export const device = (point: string): object => ({
  ...{ id: 'noise-01', point, gateway: 'gw-1', model: 'M', serial: '1' },
  metrics: [
    { metric: 'laeq', factor: 'noise', unit: 'dB(A)', range: [20, 145] },
    { metric: 'co', factor: 'carbon-monoxide', unit: 'mg/m3', range: [0, 500] },
  ],
});

/** Bytes of a simple producer's batch. */
export const batchOf = (gateway: string, ...frames: readonly object[]): Buffer =>
  Buffer.from(JSON.stringify({ v: 1, gateway, createdAt: START_MS, frames }));

/** One frame of one reading each, in consecutive seconds from `from` on. */
export const seconds = (from: number, count: number, deviceId = 'noise-01'): Buffer =>
  batchOf(
    'gw-1',
    ...Array.from({ length: count }, (_, i) => ({
      device: deviceId,
      at: START_MS + (from + i) * 1_000,
      spanMs: 1_000,
      values: { laeq: 60 + ((from + i) % 40) / 2 },
    })),
  );

export interface LetterRow {
  readonly source: string;
  readonly topic: string;
  readonly reason: string;
  readonly detail: string;
  readonly raw: Buffer;
}

export const letters = async ({ pool }: Pick<TestDatabase, 'pool'>): Promise<LetterRow[]> =>
  (await pool.query<LetterRow>('select * from telemetry.dead_letter order by id')).rows;
