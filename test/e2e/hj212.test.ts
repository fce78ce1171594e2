import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { createHj212Device, type Hj212Device } from '../../simulators/hj212-device.ts';
import { sha256Hex } from '../../src/model/digest.ts';
import type { ShiftResult } from '../../src/model/exposure.ts';
import { createTestDatabase, type TestDatabase } from '../database/test-database.ts';
import { freePort } from '../free-port.ts';
import { readRows } from '../ingest/journal-rows.ts';
import { FRAMES, frameOf, REGISTRY, SHIFT_MINUTES, SHIFT_MS, UG_PER_M3 } from './hj212-shift.ts';
import { hubSettings } from './hub-files.ts';
import { until } from './hub-outcome.ts';
import { startWugan, type WuganProcess } from './wugan-process.ts';

/** Not committed, so not answered; and committed, but dead before the answer. */
const DEATHS = ['journal:before-commit#60', 'journal:after-commit#60', undefined] as const;

describe('a device of HJ 212 and a hub that is killed', () => {
  let database: TestDatabase;
  let device: Hj212Device;
  let dataDir: string;
  const processes: WuganProcess[] = [];
  const frames = Array.from({ length: FRAMES }, (_, minute) => frameOf(minute));
  const delivered: Buffer[] = [];
  let deaths = 0;
  /** Answered frames that the journal did not hold when the hub was dead. */
  const unkept: Buffer[] = [];

  beforeAll(async () => {
    database = await createTestDatabase();
    dataDir = mkdtempSync(join(tmpdir(), 'wugan-hj212-'));
    const mqttPort = await freePort();
    const port = await freePort();
    const settings = hubSettings({
      ...{ dataDir, databaseUrl: database.url, platformUrl: 'http://127.0.0.1:9' },
      ...{ mqttPort, gateways: 1, load: 'C' },
    });
    writeFileSync(join(dataDir, 'registry.yaml'), stringify(REGISTRY));
    const ingest = { ...(settings['ingest'] as object), hj212: { port } };
    const file = join(dataDir, 'hub.yaml');
    writeFileSync(file, stringify({ ...settings, ingest }));
    device = createHj212Device({
      ...{ host: '127.0.0.1', port, answerTimeoutMs: 1_000, resends: 120 },
    });
    const lives = (async () => {
      for (const death of DEATHS) {
        const life = startWugan(
          ['hub', '--json', '-c', file],
          death === undefined ? {} : { WUGAN_FAULT_POINT: death },
        );
        processes.push(life);
        if (death === undefined) return;
        await life.ended;
        if (life.child.signalCode === 'SIGKILL') deaths += 1;
        const kept = new Set((await readRows(database.pool)).map(({ sha256 }) => sha256));
        unkept.push(...delivered.filter((frame) => !kept.has(sha256Hex(frame))));
      }
    })();
    for (const frame of frames) if (await device.deliver(frame)) delivered.push(frame);
    await lives;
  }, 240_000);

  afterAll(async () => {
    device?.close();
    await Promise.all(processes.map((process) => process.end('SIGTERM')));
    await database?.close();
    rmSync(dataDir, { recursive: true, force: true });
  });

  it('has every frame answered, none of them before it was durable', () => {
    expect(deaths).toBe(2);
    expect(delivered).toHaveLength(FRAMES);
    expect(unkept).toEqual([]);
  });

  it('holds every frame once, also those sent again', async () => {
    const rows = (await readRows(database.pool)).filter(({ dialect }) => dialect === 'hj212');
    expect(rows.map(({ sha256 }) => sha256).sort()).toEqual(frames.map(sha256Hex).sort());
  });

  it('judges the shift by what was sent, each minute once, in milligrams', async () => {
    const result = await until('a result of the whole shift', 60_000, async () => {
      const { rows } = await database.pool.query<{ result: ShiftResult }>(
        `select result from exposure.window_result where limit_kind = 'PC_TWA' and shift_start_ms = $1
         order by revision desc limit 1`,
        [SHIFT_MS],
      );
      return rows[0]?.result ?? null;
    });
    expect(result).toMatchObject({ verdict: 'exceeded', observedSeconds: SHIFT_MINUTES * 60 });
    expect(result.window.lowerBound).toBeCloseTo(UG_PER_M3 / 1_000, 9);
    expect(result.uncertainty).toBeCloseTo(1, 9);
  });
});
