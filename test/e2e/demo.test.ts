import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { followJournal } from '../../src/ingest/journal/follow.ts';
import { silentLog } from '../database/test-database.ts';
import { freePort } from '../free-port.ts';
import { until } from './hub-outcome.ts';
import { recordedCoMgPerM3 } from './recorded-co.ts';
import { startWugan, type WuganProcess } from './wugan-process.ts';

/** Design: the clue is there this long after the line that says "ready". */
/** It takes 20 s on two idle cores. */
const CLUE_WITHIN_MS = 150_000;
const PC_STEL_CO_MG_PER_M3 = 30;

const dataDir = mkdtempSync(join(tmpdir(), 'wugan-demo-'));
let ports: { http: number; mqtt: number; database: number; platform: number; modbus: number };
let demo: WuganProcess;

const startDemo = (): WuganProcess =>
  startWugan([
    'demo',
    '--json',
    ...['--data-dir', dataDir],
    ...['--http-port', String(ports.http)],
    ...['--mqtt-port', String(ports.mqtt)],
    ...['--database-port', String(ports.database)],
    ...['--platform-port', String(ports.platform)],
    ...['--modbus-port', String(ports.modbus)],
  ]);

const get = async (port: number, path: string): Promise<never> =>
  (await fetch(`http://127.0.0.1:${port}${path}`)).json() as Promise<never>;

interface ClueAtPlatform {
  clueNo: string;
  revision: number;
  body: {
    enterprise: { uscc: string };
    limit: { kind: string; value: number };
    evidence: { packageId: string };
    observed: {
      value: number | null;
      lowerBound: number;
      verdict: string;
      start: number;
      end: number;
    };
  };
}

const cluesAtPlatform = async (): Promise<ClueAtPlatform[]> =>
  ((await get(ports.platform, '/clues')) as { clues: ClueAtPlatform[] }).clues;

/** Every (device, second) of the journal, with how often it stands there. */
async function timesOfJournal(): Promise<Map<string, number>> {
  const password = readFileSync(join(dataDir, 'hub', 'postgres-password'), 'utf8').trim();
  const pool = new pg.Pool({
    connectionString: `postgres://wugan:${password}@127.0.0.1:${ports.database}/wugan`,
  });
  try {
    const { rows } = await pool.query('select pos from telemetry.shard');
    const head = Number(rows[0].pos);
    const times = new Map<string, number>();
    const stop = new AbortController();
    for await (const entries of followJournal({
      pool,
      shard: 'main',
      fromPos: 1,
      signal: stop.signal,
      entriesMax: 10_000,
      log: silentLog,
    })) {
      for (const entry of entries) {
        if (entry.kind !== 'batch') continue;
        for (const frame of entry.batch.frames) {
          const key = `${frame.device} ${frame.at}`;
          times.set(key, (times.get(key) ?? 0) + 1);
        }
      }
      if (entries.at(-1)!.pos >= head) stop.abort();
    }
    return times;
  } finally {
    await pool.end();
  }
}

describe('wugan demo', () => {
  beforeAll(async () => {
    const [http, mqtt, database, platform] = await Promise.all(Array.from({ length: 4 }, freePort));
    // The buses take consecutive ports.
    ports = {
      http: http!,
      mqtt: mqtt!,
      database: database!,
      platform: platform!,
      modbus: 10_000 + (process.pid % 9_000),
    };
    demo = startDemo();
    await demo.event('ready');
  }, 120_000);

  afterAll(async () => {
    await demo?.end('SIGTERM');
    rmSync(dataDir, { recursive: true, force: true });
  });

  it('brings an over-limit clue to the platform with nothing done', async () => {
    const arrived = await demo.event('clue', { withinMs: CLUE_WITHIN_MS });
    expect((await cluesAtPlatform()).map((clue) => clue.clueNo)).toContain(arrived['clueNo']);
    const { items } = (await get(ports.http, '/api/v1/clues')) as { items: { clueNo: string }[] };
    expect(items.map((clue) => clue.clueNo)).toContain(arrived['clueNo']);
  }, 180_000);

  it('observes what the recording says, by plain arithmetic', async () => {
    const anchorMs = Number(readFileSync(join(dataDir, 'anchor'), 'utf8'));
    const valueAt = recordedCoMgPerM3(anchorMs);
    // The first windows of a shift are judged while they fill: only a whole one has an estimate.
    const { start, end, value, lowerBound } = await until(
      'a whole STEL window',
      60_000,
      async () => {
        const clues = await cluesAtPlatform();
        const stel = clues.find(
          ({ body }) => body.limit.kind === 'PC_STEL' && body.observed.value !== null,
        );
        return stel?.body.observed ?? null;
      },
    );
    let sum = 0;
    let seconds = 0;
    for (let atMs = start + 1_000; atMs <= end; atMs += 1_000) {
      sum += valueAt(atMs);
      seconds += 1;
    }
    expect(seconds).toBe(15 * 60);
    expect(value).toBeCloseTo(sum / seconds, 4);
    expect(lowerBound).toBeCloseTo(sum / seconds, 4);
    expect(lowerBound).toBeGreaterThan(PC_STEL_CO_MG_PER_M3);
  });

  it('pushes evidence that a stranger recomputes offline, and that no changed byte survives', async () => {
    const [clue] = await cluesAtPlatform();
    const { packageId } = clue!.body.evidence;
    const answer = await fetch(`http://127.0.0.1:${ports.http}/api/v1/evidence/${packageId}`);
    const json = await answer.text();
    const file = join(dataDir, 'package.json');
    const verify = (text: string, ...id: string[]) => {
      writeFileSync(file, text);
      return spawnSync(process.execPath, ['bin/wugan.js', 'verify', file, ...id]).status;
    };
    expect(verify(json, '--id', packageId)).toBe(0);
    expect(verify(` ${json}`, '--id', packageId)).toBe(1);
    expect(verify(json.replace('"states":"N', '"states":"D'))).toBe(1);
    const result = '"result":';
    const [before, after] = [json.slice(0, json.indexOf(result)), json.slice(json.indexOf(result))];
    expect(verify(before + after.replace(/"lowerBound":\d/, '"lowerBound":9'))).toBe(1);
  });

  it('stops in order within 10 s, and goes on without a second copy of a clue or a time', async () => {
    const before = await cluesAtPlatform();
    // What takes longer than the bound of a stop, 9 s, gives another code.
    expect(await demo.end('SIGINT')).toBe(0);

    demo = startDemo();
    await demo.event('ready');
    await demo.event('summary', {
      where: (event) => Number(event['readingsPerSecond']) > 0,
    });
    const after = await cluesAtPlatform();
    const keys = after.map((clue) => `${clue.clueNo}-${clue.revision}`);
    expect(new Set(keys).size).toBe(keys.length);
    expect(keys).toEqual(expect.arrayContaining(before.map((c) => `${c.clueNo}-${c.revision}`)));

    const times = await timesOfJournal();
    expect(times.size).toBeGreaterThan(1_000);
    expect([...times].filter(([, count]) => count > 1)).toEqual([]);
  }, 180_000);
});
