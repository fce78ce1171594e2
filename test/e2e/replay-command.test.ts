import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type FleetOptions, fleetChain } from '../../simulators/fleet.ts';
import { fleetMember } from '../../simulators/fleet-member.ts';
import { RegionCode } from '../../src/model/ids.ts';
import { DAY_MS, MINUTE_MS, SECOND_MS } from '../../src/model/time.ts';
import { topicOf } from '../../src/telemetry/topics.ts';
import { REGION, writeHubFile } from './hub-files.ts';
import { resultRevisions, until } from './hub-outcome.ts';
import { type RunningHub, startRunningHub } from './running-hub.ts';

/** 07:55 in Hangzhou; long enough for the whole day shift. */
const START_MS = Date.parse('2026-11-10T07:55:00+08:00');
const BATCHES = 250;
const LOAD = 'A';
const EDITION = 'src/thresholds/limits/gbz-2019.json';

interface Line {
  readonly kind: 'result' | 'difference' | 'summary';
  readonly resultKey: string;
  readonly result: { readonly resultKey: string; readonly revision: number; resultHash: string };
  readonly stands: { readonly verdict: string; readonly subject: { factor: string } };
  readonly other: { readonly verdict: string; readonly limit: { readonly value: number } };
  readonly results: number;
  readonly differing: number | null;
  readonly stored: { readonly same: number; readonly differing: readonly unknown[] } | null;
}

let running: RunningHub;
let hubFile: string;
const folder = mkdtempSync(join(tmpdir(), 'wugan-replay-'));

async function deliverDay(): Promise<void> {
  const options: FleetOptions = {
    mqttUrl: 'mqtt://127.0.0.1:1',
    region: REGION,
    gateways: 1,
    load: LOAD,
    startMs: START_MS,
    frameSpanMs: MINUTE_MS,
    batches: BATCHES,
    overEvery: 2,
  };
  const chain = fleetChain(options, 0);
  const { gateway } = fleetMember(0);
  const topic = topicOf({
    region: RegionCode.parse(REGION),
    gateway: gateway as Parameters<typeof topicOf>[0]['gateway'],
    channel: 'live',
  });
  for (let i = 0; i < BATCHES; i++) {
    const { payload } = chain.nextBatch();
    running.nowMs = chain.head().atMs + SECOND_MS;
    await running.publish(gateway, topic, payload);
  }
  running.nowMs += 2 * DAY_MS;
  const { journalPos } = running.hub.stats();
  await until('a tick is evaluated', 20_000, async () =>
    running.hub.stats().evaluatorPos > journalPos ? true : null,
  );
}

const replay = (...args: string[]) =>
  spawnSync(process.execPath, ['bin/wugan.js', 'replay', ...args], { encoding: 'utf8' });

function linesOf(...args: string[]): readonly Line[] {
  const { stdout, stderr } = replay(...args, '--json');
  expect(stderr).toBe('');
  return stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Line);
}

const revisionsIn = (lines: readonly Line[]): string[] =>
  lines
    .filter(({ kind }) => kind === 'result')
    .map(({ result }) => `${result.resultKey} ${result.revision} ${result.resultHash}`)
    .sort();

beforeAll(async () => {
  running = await startRunningHub({ nowMs: START_MS, gateways: 1, load: LOAD });
  await deliverDay();
  hubFile = writeHubFile({
    dataDir: folder,
    databaseUrl: running.database.url,
    platformUrl: 'http://127.0.0.1:9',
    mqttPort: 0,
    gateways: 1,
    load: LOAD,
  });
}, 60_000);

afterAll(async () => {
  await running.close();
  await running.database.close();
  rmSync(folder, { recursive: true, force: true });
});

describe('wugan replay', () => {
  it('gives every stored revision again, hash for hash, beside the running hub', async () => {
    const stored = await resultRevisions(running.database.pool);
    const lines = linesOf('-c', hubFile);
    expect(stored.length).toBeGreaterThan(5);
    expect(revisionsIn(lines)).toEqual(stored);
    const summary = lines.at(-1)!;
    expect(summary).toMatchObject({ kind: 'summary', stored: { differing: [] } });
    expect(summary.stored?.same).toBe(summary.results);
    expect(replay('-c', hubFile).status).toBe(0);
  });

  it('says which results are not what the journal gives, with exit code 1', async () => {
    const { pool } = running.database;
    const { rows } = await pool.query(
      `select result_key, revision, result_hash from exposure.window_result
         order by result_key, revision desc limit 1`,
    );
    const { result_key: key, revision, result_hash: hash } = rows[0];
    const put = (to: string) =>
      pool.query(
        'update exposure.window_result set result_hash = $1 where result_key = $2 and revision = $3',
        [to, key, revision],
      );
    await put('0'.repeat(64));
    const { status, stdout } = replay('-c', hubFile);
    await put(hash);
    expect(status).toBe(1);
    expect(stdout).toContain('1 differ');
    expect(stdout).toContain(key);
  });

  it('gives only the shifts asked for', () => {
    const day = linesOf(
      '-c',
      hubFile,
      '--from',
      '2026-11-10T08:00:00+08:00',
      '--until',
      '2026-11-10T16:00:00+08:00',
    );
    const all = linesOf('-c', hubFile);
    expect(day.length).toBeLessThan(all.length);
    expect(day.at(-1)?.stored?.differing).toEqual([]);
    const none = linesOf('-c', hubFile, '--until', '2026-11-01');
    expect(none).toHaveLength(1);
    expect(none[0]?.results).toBe(0);
  });

  it('gives the same with a longer memory where nothing came too late', () => {
    const summary = linesOf('-c', hubFile, '--horizon', '40').at(-1);
    expect(summary?.stored?.differing).toEqual([]);
    const { status, stderr } = replay('-c', hubFile, '--horizon', '0');
    expect([status, stderr]).toEqual([1, expect.stringContaining('--horizon')]);
  });

  it('replays an exported journal without a database, and tells a changed one', () => {
    const file = join(folder, 'journal.ndjson');
    const exported = linesOf('-c', hubFile, '--export-journal', file);
    expect(revisionsIn(linesOf('--journal', file))).toEqual(revisionsIn(exported));
    const again = replay('-c', hubFile, '--export-journal', file);
    const kept = `Cannot export to ${file}: it is there already and is kept`;
    expect([again.status, again.stderr]).toEqual([2, expect.stringContaining(kept)]);

    const lines = readFileSync(file, 'utf8').trim().split('\n');
    const changed = join(folder, 'changed.ndjson');
    const told = (of: readonly string[]): string => {
      writeFileSync(changed, of.join('\n'));
      const { status, stderr } = replay('--journal', changed);
      expect(status).toBe(2);
      return stderr;
    };
    const part = join(folder, 'part.ndjson');
    writeFileSync(changed, lines.slice(0, -1).join('\n'));
    expect(replay('--journal', changed, '--export-journal', part).status).toBe(2);
    expect(existsSync(part)).toBe(false);
    const block = JSON.parse(lines[2]!) as { body: string; posFrom: number };
    const body = Buffer.from(block.body, 'base64');
    body[20]! ^= 1;
    const forged = JSON.stringify({ ...block, body: body.toString('base64') });
    expect(told(lines.with(2, forged))).toContain('line 3 was changed');
    expect(told(lines.toSpliced(2, 1))).toContain('a block is missing before it');
    expect(told(lines.slice(0, -1))).toContain('it ends before entry');
    expect(told(['{}'])).toContain('not the head');
  });

  it('says what another edition would have said, and changes nothing that is stored', async () => {
    const before = await resultRevisions(running.database.pool);
    const set = JSON.parse(readFileSync(EDITION, 'utf8')) as {
      id: string;
      rows: { id: string; limits: { kind: string; value: number }[] }[];
    };
    const looser = {
      ...set,
      id: 'looser',
      rows: set.rows.map((row) => {
        if (row.id !== 'carbon-monoxide') return row;
        const limits = row.limits.map((limit) => ({ ...limit, value: 200 }));
        return { ...row, limits };
      }),
    };
    const file = join(folder, 'looser.json');
    writeFileSync(file, JSON.stringify(looser));
    const lines = linesOf('-c', hubFile, '--set', file);
    const differences = lines.filter(({ kind }) => kind === 'difference');
    expect(differences.length).toBeGreaterThan(0);
    expect(new Set(differences.map(({ stands }) => stands.subject.factor))).toEqual(
      new Set(['carbon-monoxide']),
    );
    for (const { other } of differences) expect(other.limit.value).toBe(200);
    const revised = lines.filter(({ kind }) => kind === 'result');
    expect(revised).toEqual([]);
    const verdicts = differences.map(({ stands, other }) => `${stands.verdict} → ${other.verdict}`);
    expect(verdicts).toContain('exceeded → within');
    expect(lines.at(-1)).toMatchObject({
      differing: differences.length,
      stored: { differing: [] },
    });
    expect(await resultRevisions(running.database.pool)).toEqual(before);
    expect(replay('-c', hubFile, '--set', file).stdout).toMatch(
      /stands: exceeded .*\n {4}looser: /,
    );
    // The edition in force is the shipped one: nothing else would have been said.
    expect(linesOf('-c', hubFile, '--set', 'gbz-2019').at(-1)?.differing).toBe(0);
  });

  it.each([
    [['--set', 'gbz-1984'], 'gbz-1984'],
    [[], '--journal <file>'],
    [['--journal', '/nowhere/j.ndjson'], '/nowhere/j.ndjson'],
    [['--from', 'yesterday'], 'YYYY-MM-DD'],
  ])('says in words what is wrong with %j', (args, named) => {
    const { status, stderr } = replay(...args);
    expect(stderr).toContain(named);
    expect(stderr).not.toContain('    at ');
    expect(status).toBeGreaterThan(0);
  });
});
