import { readdirSync, readFileSync } from 'node:fs';
import { Registry } from 'prom-client';
import { afterAll, describe, expect, it } from 'vitest';
import { createAlertMetrics } from '../../src/alerts/alert-metrics.ts';
import { OUTBOX_CHANNEL } from '../../src/alerts/apply.ts';
import { CluePush } from '../../src/alerts/clue-body.ts';
import { CLUE_MOVES } from '../../src/alerts/lifecycle.ts';
import { API_ERRORS } from '../../src/api/errors.ts';
import { buildApi } from '../../src/api/server.ts';
import { connect } from '../../src/database/connect.ts';
import { LISTS, RegistryTop } from '../../src/devices/registry-schema.ts';
import { HubConfig } from '../../src/hub/config.ts';
import { REQUEST_CHANNEL } from '../../src/hub/hub-request.ts';
import { createEvaluatorMetrics } from '../../src/ingest/evaluator-metrics.ts';
import { createHj212Metrics } from '../../src/ingest/hj212/metrics.ts';
import { createInfluxMetrics } from '../../src/ingest/influx/metrics.ts';
import { JOURNAL_CHANNEL } from '../../src/ingest/journal/journal-head.ts';
import { createIngestMetrics } from '../../src/ingest/metrics.ts';
import { createSparkplugMetrics } from '../../src/ingest/sparkplug/metrics.ts';
import { BATCH_BYTES_MAX, BATCH_VALUES_MAX } from '../../src/model/batch.ts';
import { FLAGS } from '../../src/model/flags.ts';
import { createLogger } from '../../src/process/log.ts';
import { GATEWAY_CHANNELS, HUB_CHANNELS } from '../../src/telemetry/topics.ts';
import { codesIn, namesIn, readDoc, rowsOf, sectionOf } from './markdown.ts';
import { membersOf, type SchemaMember } from './schema-members.ts';

const contracts = readDoc('docs/contracts.md');
const section = (heading: string): string => sectionOf(contracts, heading);
const sorted = (names: Iterable<string>): string[] => [...names].sort();

// Nothing connects: the pool is lazy, and no metric is collected.
const database = connect('postgres://nobody@127.0.0.1:1/none', { onError: () => undefined });
/** Names that the database knows, not Prometheus. */
const CHANNELS: readonly string[] = [OUTBOX_CHANNEL, JOURNAL_CHANNEL, REQUEST_CHANNEL];
const registry = new Registry();
const api = buildApi({
  db: database.db,
  shard: 'main',
  registry,
  ready: async () => ({ ok: true, checks: [] }),
  stats: () => ({}),
  replayLetter: () => Promise.reject(new Error('not asked')),
  command: () => Promise.reject(new Error('not asked')),
  operatorToken: null,
  log: createLogger('docs', 'silent'),
});
afterAll(async () => {
  await api.close();
  await database.close();
});

describe('the MQTT contract', () => {
  it('names every channel and who publishes on it', () => {
    const rows = rowsOf(section('### 1.1 Topics')).map(([name, by]) => [codesIn(name)[0], by]);
    const by = (publisher: string): unknown[] =>
      rows.filter((row) => row[1] === publisher).map(([name]) => name);
    expect(by('gateway')).toEqual(GATEWAY_CHANNELS);
    expect(by('hub')).toEqual(HUB_CHANNELS);
  });

  it('names the bounds of a batch', () => {
    const text = section('### 1.2 Batch');
    expect(text).toContain(`${BATCH_BYTES_MAX.toLocaleString('en')} bytes`);
    expect(text).toContain(`${BATCH_VALUES_MAX.toLocaleString('en')} values`);
  });

  it('explains every flag with the words of the code', () => {
    const pairs = rowsOf(section('### 1.3 Flags')).flatMap((cells) =>
      cells.flatMap((cell, i) => (i % 2 === 0 ? [[codesIn(cell)[0], cells[i + 1]]] : [])),
    );
    expect(Object.fromEntries(pairs)).toEqual(FLAGS);
  });

  it('lists every reason of a dead letter', () => {
    const reasonsOf = (file: string, name: string): string[] => {
      const type = new RegExp(`export type ${name} =([^;]*);`).exec(readFileSync(file, 'utf8'));
      return [...(type?.[1] ?? '').matchAll(/'([^']+)'/g)].map((match) => match[1] as string);
    };
    const reasons = [
      ...reasonsOf('src/ingest/receive.ts', 'DeadReason'),
      ...reasonsOf('src/telemetry/sparkplug/edge-message.ts', 'SparkplugReason'),
    ];
    expect(reasons.length).toBeGreaterThan(0);
    expect(sorted(namesIn(section('### 1.10 What is dead-lettered')))).toEqual(sorted(reasons));
  });
});

describe('the push contract', () => {
  it('has a row for every member of the body', () => {
    const members = membersOf(CluePush).map(({ path }) => path);
    expect(sorted(namesIn(section('### 2.2 Body')))).toEqual(sorted(members));
  });

  it('explains every state of a clue', () => {
    const states = namesIn(section('### 2.4 When a revision is released'));
    expect(sorted(states)).toEqual(sorted(Object.keys(CLUE_MOVES)));
  });
});

describe('the HTTP contract', () => {
  it('has every error with its status', () => {
    const rows = rowsOf(section('### 3.1 Errors')).map(([code, status]) => [
      codesIn(code)[0],
      Number(status),
    ]);
    const catalogue = Object.entries(API_ERRORS).map(([code, { status }]) => [code, status]);
    expect(Object.fromEntries(rows)).toEqual(Object.fromEntries(catalogue));
    expect(rows).toHaveLength(catalogue.length);
  });

  it('has every route, and shows an answer of each that answers JSON', async () => {
    await api.ready();
    const routes = Object.entries(api.swagger().paths ?? {}).flatMap(([path, methods]) =>
      Object.keys(methods ?? {}).map((method) => `${method.toUpperCase()} ${path}`),
    );
    const text = section('## 3. HTTP API');
    const listed = rowsOf(text)
      .flatMap(([route]) => codesIn(route))
      .filter((name) => /^[A-Z]+ \//.test(name));
    expect(sorted(listed)).toEqual(sorted(routes));
    const prose = text.split('\n').filter((line) => !line.startsWith('|'));
    const unseen = routes
      .filter((route) => route !== 'GET /metrics')
      .map((route) => `\`${route.replace('{clueNo}', 'CL')}`)
      .filter((route) => !prose.some((line) => line.includes(route)));
    expect(unseen).toEqual([]);
  });
});

describe('the files', () => {
  it('explains every member of registry.yaml, with its default', () => {
    const lists = Object.entries(LISTS).flatMap(([list, { schema }]) =>
      membersOf(schema).map((member) => ({ ...member, path: `${list}[].${member.path}` })),
    );
    const top = membersOf(RegistryTop).filter(({ path }) => !(path in LISTS));
    expectTable('## 4. registry.yaml', [...top, ...lists]);
  });

  it('explains every setting of hub.yaml, with its default', () => {
    expectTable('### 5.1 hub.yaml', membersOf(HubConfig));
  });
});

/** The section's table has exactly these members, each with its default in the second column. */
function expectTable(heading: string, members: readonly SchemaMember[]): void {
  const written = rowsOf(section(heading)).flatMap(([names, value]) =>
    codesIn(names).map((name) => [name, codesIn(value)[0] ?? value] as const),
  );
  const expected = members.map(
    ({ path, isRequired, defaultJson }) =>
      [path, isRequired ? 'required' : (defaultJson ?? '–')] as const,
  );
  expect(Object.fromEntries(written)).toEqual(Object.fromEntries(expected));
  expect(written).toHaveLength(expected.length);
}

describe('the command line', () => {
  const source = readFileSync('cli/main.ts', 'utf8');
  const text = section('## 6. Command line');

  it('has every option', () => {
    const options = [
      ...source.matchAll(/(?:ption\(\s*|= \[)'(?:-\w, )?(--[a-z0-9-]+)|'-c, (--config)/g),
    ].map((match) => match[1] ?? match[2]);
    expect(options.length).toBeGreaterThan(0);
    const written = namesIn(text).filter((name) => name.startsWith('--'));
    expect(sorted(written)).toEqual(sorted(new Set(options as string[])));
  });

  it('has every command', () => {
    const commands = [...source.matchAll(/\.command\('([a-z0-9]+)'/g)].map((match) => match[1]);
    const words = namesIn(text)
      .filter((name) => !name.startsWith('--'))
      .flatMap((name) => name.split(' ').filter((word) => /^[a-z0-9]+$/.test(word)));
    expect(sorted(new Set(words))).toEqual(sorted(new Set(commands as string[])));
  });
});

describe('the metrics', () => {
  it('are those that the code registers', () => {
    const zero = () => 0;
    createIngestMetrics(registry, {
      journalPos: zero,
      inFlightBytes: zero,
      clients: zero,
      clockStepMs: zero,
    });
    createEvaluatorMetrics(registry, () => null);
    createHj212Metrics(registry);
    createInfluxMetrics(registry);
    createSparkplugMetrics(registry);
    createAlertMetrics(registry, database.db);
    const registered = registry.getMetricsAsArray().map(({ name }) => name);
    expect(sorted(namesIn(section('## 7. Metrics')))).toEqual(sorted(registered));
  });

  it('are known where operations.md says what to do', () => {
    const rows = rowsOf(readDoc('docs/operations.md')).filter(([name]) =>
      /`wugan_/.test(name ?? ''),
    );
    const named = rows.flatMap(([name]) => codesIn(name));
    expect(named.length).toBeGreaterThan(30);
    expect(new Set(named).size).toBe(named.length);
    expect(namesIn(section('## 7. Metrics'))).toEqual(expect.arrayContaining(named));
    for (const row of rows) expect(row).toHaveLength(4);
  });

  it('are all that the sources name', () => {
    const files = readdirSync('src', { recursive: true, encoding: 'utf8' });
    const named = files
      .filter((file) => file.endsWith('.ts'))
      .flatMap((file) => [...readFileSync(`src/${file}`, 'utf8').matchAll(/'(wugan_[a-z0-9_]+)'/g)])
      .map((match) => match[1] as string)
      // Those of the gateway stand in gateway.md.
      .filter((name) => !CHANNELS.includes(name) && !name.startsWith('wugan_gateway_'));
    expect(sorted(new Set(named))).toEqual(sorted(namesIn(section('## 7. Metrics'))));
  });
});
