import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { createHj212Device, type Hj212Device } from '../../simulators/hj212-device.ts';
import { deviceFrame } from '../../simulators/hj212-frame.ts';
import { sha256Hex } from '../../src/model/digest.ts';
import type { ShiftResult } from '../../src/model/exposure.ts';
import { MINUTE_MS } from '../../src/model/time.ts';
import { createTestDatabase, type TestDatabase } from '../database/test-database.ts';
import { freePort } from '../free-port.ts';
import { readRows } from '../ingest/journal-rows.ts';
import { MN } from '../telemetry/hj212/device-frames.ts';
import { hubSettings } from './hub-files.ts';
import { until } from './hub-outcome.ts';
import { startWugan, type WuganProcess } from './wugan-process.ts';

const SHIFT_MS = Date.parse('2026-11-10T08:00:00+08:00');
const SHIFT_MINUTES = 480;
/** Past the end and the grace of the shift. */
const FRAMES = SHIFT_MINUTES + 5;
/** The device sends micrograms; the limit is 20 mg/m³. */
const UG_PER_M3 = 25_000;
/** Not committed, so not answered; and committed, but dead before the answer. */
const DEATHS = ['journal:before-commit#60', 'journal:after-commit#60', undefined] as const;

const REGISTRY = {
  effectiveFrom: '2026-01-01T00:00:00+08:00',
  limits: 'gbz-2019',
  enterprises: [{ uscc: '91330106MA2CFLR43E', name: '模拟企业', region: '330106' }],
  posts: [
    {
      ...{ id: 'post-1', enterprise: '91330106MA2CFLR43E', name: '岗位', exposedWorkers: 3 },
      hazards: [{ factor: 'carbon-monoxide', primary: { device: 'co-1', metric: 'co-minute' } }],
    },
  ],
  crews: [
    {
      ...{ id: 'crew-1', post: 'post-1', name: '班组', workers: 3, basis: 'SCHEDULE' },
      daysPerWeek: 7,
      shifts: [{ name: 'day', days: [1, 2, 3, 4, 5, 6, 7], start: '08:00', end: '16:00' }],
    },
  ],
  points: [{ id: 'point-1', post: 'post-1', location: '门口' }],
  gateways: [
    {
      ...{ id: 'logger-1', operator: '运维', region: '330106', publicKey: null },
      hj212: { mn: MN, minuteIntervalMin: 1, deviations: ['crc-modbus'] },
    },
  ],
  devices: [
    {
      ...{ id: 'co-1', point: 'point-1', gateway: 'logger-1', model: 'm', serial: 's' },
      hj212: { codes: { a21005: 'co' } },
      metrics: [
        {
          ...{ metric: 'co-minute', factor: 'carbon-monoxide', unit: 'ug/m3' },
          ...{ range: [0, 500_000], uncertainty: { abs: 1_000 } },
        },
      ],
      certificate: {
        ...{ number: 'JL-1', issuer: '计量院', mode: 'VERIFIED' },
        ...{ from: '2026-01-01T00:00:00+08:00', until: '2030-01-01T00:00:00+08:00' },
      },
    },
  ],
};

const frameOf = (minute: number): Buffer =>
  deviceFrame(
    {
      ...{ edition: 2017, mn: MN, st: '39', cn: '2051', wantsAnswer: true },
      madeMs: SHIFT_MS + (minute + 1) * MINUTE_MS + 1_000,
      dataTimeMs: SHIFT_MS + minute * MINUTE_MS,
      items: [{ code: 'a21005', value: UG_PER_M3, flag: 'N' }],
    },
    new Set(['crc-modbus']),
  );

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
