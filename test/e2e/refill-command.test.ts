import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fleetChain } from '../../simulators/fleet.ts';
import { fleetMember } from '../../simulators/fleet-member.ts';
import { RegionCode } from '../../src/model/ids.ts';
import { MINUTE_MS, SECOND_MS } from '../../src/model/time.ts';
import { topicOf } from '../../src/telemetry/topics.ts';
import { type InfluxStub, startInfluxStub } from '../ingest/influx/influx-stub.ts';
import { REGION, writeHubFile } from './hub-files.ts';
import { type RunningHub, startRunningHub } from './running-hub.ts';

const START_MS = Date.parse('2026-11-10T10:00:00+08:00');
const BATCHES = 30;
const FROM = '2026-11-10T10:10:00+08:00';
const UNTIL = '2026-11-10T10:20:00+08:00';

let running: RunningHub;
let stub: InfluxStub;
let hubFile: string;
const folder = mkdtempSync(join(tmpdir(), 'wugan-refill-'));

beforeAll(async () => {
  stub = await startInfluxStub();
  running = await startRunningHub({ nowMs: START_MS, gateways: 1, load: 'A' });
  const chain = fleetChain(
    {
      ...{ mqttUrl: '', region: REGION, gateways: 1, load: 'A', batches: BATCHES },
      ...{ startMs: START_MS, frameSpanMs: MINUTE_MS, overEvery: 2 },
    },
    0,
  );
  const { gateway } = fleetMember(0);
  const topic = topicOf({ region: RegionCode.parse(REGION), gateway, channel: 'live' });
  for (let n = 0; n < BATCHES; n++) {
    const { payload } = chain.nextBatch();
    running.nowMs = chain.head().atMs + SECOND_MS;
    await running.publish(gateway, topic, payload);
  }
  await running.hub.caughtUp();
  hubFile = writeHubFile({
    ...{ dataDir: folder, databaseUrl: running.database.url, platformUrl: 'http://127.0.0.1:9' },
    ...{ mqttPort: 0, gateways: 1, load: 'A' },
  });
}, 60_000);

afterAll(async () => {
  await running.close();
  await running.database.close();
  await stub.close();
  rmSync(folder, { recursive: true, force: true });
});

async function replay(
  environment: Readonly<Record<string, string>>,
  ...args: string[]
): Promise<{ code: number; stdout: string; stderr: string }> {
  const child = spawn(process.execPath, ['bin/wugan.js', 'replay', '--to', 'influx', ...args], {
    env: { ...process.env, ...environment },
  });
  const said = { stdout: '', stderr: '' };
  child.stdout.on('data', (chunk) => {
    said.stdout += chunk;
  });
  child.stderr.on('data', (chunk) => {
    said.stderr += chunk;
  });
  const [code] = await once(child, 'close');
  return { code, ...said };
}

describe('wugan replay --to influx', () => {
  it('writes the readings and minutes of the period to where INFLUX_URL says', async () => {
    const period = ['--from', FROM, '--until', UNTIL];
    const { code, stdout, stderr } = await replay(
      { INFLUX_URL: stub.url, INFLUX_BUCKET: 'again' },
      ...['-c', hubFile, ...period, '--json'],
    );
    expect(stderr).toBe('');
    const count = (name: string) =>
      [...stub.points.keys()].filter((point) => point.startsWith(`${name},`)).length;
    // Ten minutes of five metrics, a frame a minute.
    expect([count('wugan_reading'), count('wugan_minute')]).toEqual([50, 50]);
    expect(JSON.parse(stdout)).toEqual({
      ...{ kind: 'refill', fromMs: Date.parse(FROM), untilMs: Date.parse(UNTIL) },
      ...{ written: 100, quarantined: 0 },
    });
    expect(code).toBe(0);
    expect(stub.requests[0]?.path).toContain('bucket=again');
  });

  it('says what was refused, and where it is', async () => {
    stub.wrong = (line) => (line.startsWith('wugan_minute') ? 'no' : undefined);
    const { code, stdout } = await replay(
      { INFLUX_URL: stub.url },
      ...['-c', hubFile, '--from', FROM, '--until', UNTIL],
    );
    expect(stdout).toContain('50 refused: see wugan dead-letters list --reason sink-refused');
    expect(code).toBe(1);
  });

  it('says what is missing', async () => {
    const without = await replay({ INFLUX_URL: '' }, '-c', hubFile, '--from', FROM);
    expect(without.stderr).toContain('set influx.url');
    const noPeriod = await replay({ INFLUX_URL: stub.url }, '-c', hubFile);
    expect(noPeriod.stderr).toContain('--from');
    const more = await replay({}, '-c', hubFile, '--from', FROM, '--out', 'x');
    expect(more.stderr).toContain('Cannot refill InfluxDB with --out');
    expect([without.code, noPeriod.code, more.code]).toEqual([2, 2, 2]);
  });
});
