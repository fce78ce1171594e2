import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { stringify } from 'yaml';
import { verifyPackage } from '../../cli/verify.ts';
import { createHj212Device, type Hj212Device } from '../../simulators/hj212-device.ts';
import { HubConfig } from '../../src/hub/config.ts';
import { type Hub, startHub } from '../../src/hub/hub.ts';
import { startEvidenceKeeper } from '../../src/ingest/evidence/evidence-keeper.ts';
import { HOUR_MS, MINUTE_MS } from '../../src/model/time.ts';
import { createTestDatabase, silentLog, type TestDatabase } from '../database/test-database.ts';
import { freePort } from '../free-port.ts';
import { FRAMES, frameOf, REGISTRY, SHIFT_MS, UG_PER_M3 } from './hj212-shift.ts';
import { hubSettings } from './hub-files.ts';
import { until } from './hub-outcome.ts';

/** Over the limit, and never still: a flat line is no proof. */
const measuredIn = (minute: number): number => UG_PER_M3 + 100 * (minute % 7);

describe('a device of HJ 212 that sends before the hub knows any gateway', () => {
  let database: TestDatabase;
  let hub: Hub;
  let device: Hj212Device;
  let folder: string;
  let hubMs = SHIFT_MS + 9 * HOUR_MS;
  let delivered = 0;

  beforeAll(async () => {
    database = await createTestDatabase();
    folder = mkdtempSync(join(tmpdir(), 'wugan-hj212-evidence-'));
    const port = await freePort();
    const settings = hubSettings({
      ...{ dataDir: folder, databaseUrl: database.url, platformUrl: 'http://127.0.0.1:9' },
      ...{ mqttPort: 0, gateways: 1, load: 'C' },
    });
    writeFileSync(join(folder, 'registry.yaml'), stringify(REGISTRY));
    device = createHj212Device({
      ...{ host: '127.0.0.1', port, answerTimeoutMs: 500, resends: 240 },
    });
    const delivering = (async () => {
      for (let minute = 0; minute < FRAMES; minute += 1) {
        if (await device.deliver(frameOf(minute, measuredIn(minute)))) delivered += 1;
      }
    })();
    const ingest = { ...(settings['ingest'] as object), tickIntervalMs: 100, hj212: { port } };
    hub = await startHub(HubConfig.parse({ ...settings, ingest }), {
      ...{ log: silentLog, now: () => hubMs },
      onFatal: (reason) => {
        throw new Error(reason);
      },
    });
    await delivering;
    await hub.caughtUp();
    hubMs += 30 * MINUTE_MS;
  }, 120_000);

  afterAll(async () => {
    device?.close();
    await hub?.close(10_000);
    await database?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const get = async (path: string): Promise<Response> => fetch(`${hub.url}/api/v1${path}`);

  it('gets in without a loss and without a dead letter', async () => {
    expect(delivered).toBe(FRAMES);
    expect(await (await get('/dead-letters')).json()).toMatchObject({ items: [] });
  });

  it('founds a package that a stranger recomputes from the frames as they came', async () => {
    const packageId = await until('a package', 60_000, async () => {
      const { rows } = await database.pool.query<{ package_id: string }>(
        'select package_id from enforcement.evidence_claim order by pos desc limit 1',
      );
      return rows[0]?.package_id ?? null;
    });
    const deps = { shard: 'main', now: () => hubMs, log: silentLog };
    const keeper = startEvidenceKeeper(database.pool, deps);
    await database.pool.query('update enforcement.evidence_claim set next_try_at = now()');
    await keeper.look();
    await keeper.close();
    const file = join(folder, 'package.json');
    writeFileSync(file, await (await get(`/evidence/${packageId}`)).text());
    const answer = await get(`/evidence/${packageId}/raw`);
    expect(answer.headers.get('x-evidence-state')).toBe('unsealed');
    const raw = join(folder, 'raw.ndjson');
    const lines = await answer.text();
    writeFileSync(raw, lines);

    const said: string[] = [];
    vi.spyOn(console, 'log').mockImplementation((text: string) => void said.push(text));
    verifyPackage(file, { id: packageId, raw });
    const genuine = said.splice(0);
    const [first = '', ...others] = lines.split('\n');
    const forged = JSON.parse(first) as { raw: string; sha256: string };
    const altered = Buffer.from(forged.raw, 'base64')
      .toString('latin1')
      .replace(/=25\d{3}/, '=15000');
    const bytes = Buffer.from(altered, 'latin1').toString('base64');
    writeFileSync(raw, [JSON.stringify({ ...forged, raw: bytes }), ...others].join('\n'));
    expect(verifyPackage(file, { id: packageId, raw })).toBe(false);
    vi.restoreAllMocks();
    const wrong = (lines: readonly string[]) => lines.filter((line) => line.startsWith('WRONG'));
    expect(genuine).toContainEqual(
      expect.stringMatching(/^ok {3} 28800 of 28800 values of the inputs/),
    );
    // No device of HJ 212 has a key: that is said, and it is all that is wrong.
    expect(wrong(genuine)).toEqual([expect.stringContaining('no seal covers them')]);
    expect(wrong(said)).toContainEqual(expect.stringContaining('1 of them altered'));
  });
});
