import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Registry } from 'prom-client';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { deviceFrame } from '../../simulators/hj212-frame.ts';
import type { Hj212Logger } from '../../src/devices/hj212-stations.ts';
import type { Ingest } from '../../src/ingest/ingest.ts';
import { sha256Hex } from '../../src/model/digest.ts';
import type { JournalEntry } from '../../src/model/entry.ts';
import { createTestDatabase, type TestDatabase } from '../database/test-database.ts';
import { altered, frameOf, MN } from '../telemetry/hj212/device-frames.ts';
import { connectDevice, LOGGER_ID, loggerOf, type RawDevice } from './hj212-device.ts';
import { startTestIngest } from './ingest-fixture.ts';
import { readEntries, readRows } from './journal-rows.ts';
import { sumEngineKit } from './sum-engine.ts';

let database: TestDatabase;
let ingest: Ingest;
let device: RawDevice;
let loggers: Map<string, Hj212Logger>;
let metrics: Registry;
let stepped: JournalEntry[];
const devices: RawDevice[] = [];

/** Notes what the engine was given, as it came from memory. */
function notingEngine() {
  const kit = sumEngineKit();
  return {
    ...kit,
    create() {
      const engine = kit.create();
      const { step } = engine;
      return Object.assign(engine, {
        step(entry: JournalEntry) {
          stepped.push(entry);
          return step(entry);
        },
      });
    },
  };
}

async function start(settings: object = {}): Promise<void> {
  metrics = new Registry();
  ingest = await startTestIngest(database, {
    settings: { hj212: { port: 0, ...settings } },
    deps: { metrics, engine: notingEngine(), hj212Logger: (mn) => loggers.get(mn) },
  });
  device = await connect();
}

async function connect(): Promise<RawDevice> {
  const connected = await connectDevice(ingest.hj212!.port);
  devices.push(connected);
  return connected;
}

async function restart(settings: object = {}): Promise<void> {
  await ingest.close();
  await start(settings);
}

beforeEach(async () => {
  database = await createTestDatabase();
  loggers = new Map([[MN, loggerOf()]]);
  stepped = [];
  await start();
});

afterEach(async () => {
  for (const one of devices.splice(0)) one.close();
  await ingest.close();
  await database.close();
});

const letters = async () => {
  const { rows } = await database.pool.query(
    'select source, topic, reason, detail, raw from telemetry.dead_letter order by id',
  );
  return rows as { source: string; topic: string; reason: string; detail: string; raw: Buffer }[];
};
const lettersWere = (count: number) =>
  expect.poll(letters, { timeout: 20_000 }).toHaveLength(count);
async function counted(name: string, label: string): Promise<number> {
  const found = (await metrics.getMetricsAsJSON()).find((metric) => metric.name === name);
  const value = (found?.values as { value: number; labels: object }[] | undefined)?.find(
    ({ labels }) => Object.values(labels).includes(label),
  );
  return value?.value ?? 0;
}
const refused = (reason: string) =>
  expect.poll(() => counted('wugan_hj212_refused_total', reason), { timeout: 20_000 });

const AT = 'DataTime=20261124080000';
const qn = (second: number): string => `202611240800${String(second).padStart(2, '0')}123`;
const reading = (second: number, value = 83.2): Buffer =>
  frameOf(`${AT.slice(0, -2)}${String(second).padStart(2, '0')};LA-Rtd=${value},LA-Flag=N`, {
    qn: qn(second),
  });
const ONE = reading(0);

describe('a frame of HJ 212', () => {
  it('is answered by 9014 when the journal holds its bytes', async () => {
    device.send(ONE);
    await device.answered(1);
    expect(device.answers[0]).toContain(`QN=${qn(0)};ST=91;CN=9014;PW=123456;MN=${MN};Flag=4;`);
    expect(await readRows(database.pool)).toMatchObject([
      {
        ...{ pos: 1, kind: 'live', gateway: LOGGER_ID, epoch: null, seq: null },
        ...{ dialect: 'hj212', sha256: sha256Hex(ONE), length: ONE.length },
      },
    ]);
  });

  it('gives the engine the same batch live and on replay, whatever the registry says by then', async () => {
    device.send(ONE, frameOf(`${AT};a34001-Avg=150,a34001-Flag=N`, { cn: '2051', qn: qn(9) }));
    await device.answered(2);
    await expect.poll(() => stepped).toHaveLength(2);
    loggers.clear();
    expect(await readEntries(database.pool)).toEqual(stepped);
    expect(stepped).toMatchObject([
      {
        kind: 'batch',
        batch: {
          frames: [
            {
              ...{ device: 'noise-1', at: Date.parse('2026-11-24T08:00:00+08:00') },
              ...{ spanMs: 30_000, values: { laeq: 83.2 } },
            },
          ],
        },
      },
      {
        batch: {
          frames: [
            {
              ...{ device: 'dust-1', at: Date.parse('2026-11-24T08:01:00+08:00') },
              ...{ spanMs: 60_000, values: { 'dust-minute': 150 } },
            },
          ],
        },
      },
    ]);
  });

  it('that is sent again is answered again, and journaled once', async () => {
    device.send(ONE, ONE);
    await device.answered(2);
    await restart();
    device.send(ONE);
    await device.answered(1);
    expect(await readRows(database.pool)).toHaveLength(1);
    expect(await counted('wugan_hj212_frames_total', 'duplicate')).toBe(1);
  });

  it('that wants no answer gets none', async () => {
    device.send(frameOf(`${AT};LA-Rtd=80,LA-Flag=N`, { flag: '4' }), reading(1));
    await device.answered(1);
    expect(await readRows(database.pool)).toHaveLength(2);
  });

  it('is answered to a device that has ended its side', async () => {
    device.send(ONE);
    device.end();
    await device.answered(1);
    await device.closed();
  });

  it('without an end is taken when the device ends, or is silent', async () => {
    await restart({ frameTimeoutMs: 100 });
    loggers.set(MN, loggerOf({ deviations: ['no-crlf'] }));
    device.send(ONE.subarray(0, -2));
    await device.answered(1);
    device.send(reading(1).subarray(0, -2));
    device.end();
    await device.answered(2);
  });

  it.each([
    ['2021', `${AT};SB1-RS=1`],
    ['2061', `${AT};LA-Avg=80,LA-Flag=N`],
    ['2081', `${AT};RestartTime=20261124075900`],
    ['3020', 'PolId=w01018;InfoId=i11001'],
  ])('of CN %s, which no channel is registered for, is kept and answered', async (cn, text) => {
    const frame = frameOf(text, { cn });
    device.send(frame);
    await device.answered(1);
    expect(await readRows(database.pool)).toMatchObject([
      { kind: 'parked', dialect: 'hj212', sha256: sha256Hex(frame) },
    ]);
    expect(await readEntries(database.pool)).toMatchObject([{ kind: 'parked' }]);
    expect(await letters()).toEqual([]);
  });

  it('with means of a day is put aside with the day, and answered', async () => {
    const frame = frameOf(`${AT};LA-Avg=80,LA-Flag=N`, { cn: '2031' });
    device.send(frame, frame);
    await device.answered(2);
    expect(await letters()).toMatchObject([
      {
        ...{ source: LOGGER_ID, topic: `hj212/${MN}`, reason: 'hj212-day', raw: frame },
        detail: expect.stringContaining(`the day ${AT.slice('DataTime='.length, 17)}`),
      },
    ]);
    expect(await readRows(database.pool)).toEqual([]);
  });

  it.each(['1013', '9015'])(
    'that is a notice (%s) is answered by 9013 and not kept',
    async (cn) => {
      device.send(frameOf('', { cn }));
      await device.answered(1);
      expect(device.answers[0]).toContain('CN=9013;');
      expect(await readRows(database.pool)).toEqual([]);
    },
  );

  it('that answers a command of a host is counted only', async () => {
    device.send(frameOf('QnRtn=1', { cn: '9011' }), reading(1));
    await device.answered(1);
    expect(await readRows(database.pool)).toHaveLength(1);
    expect(await counted('wugan_hj212_frames_total', 'answer')).toBe(1);
  });

  it('that is encrypted is read, and read again without the key', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'wugan-sm4-'));
    const file = join(folder, 'key');
    writeFileSync(file, `${'30'.repeat(16)}\n`);
    await restart({ keys: [{ mn: MN, file }] });
    loggers.set(MN, loggerOf({ edition: 2025 }));
    const made = Date.parse('2026-11-24T08:00:00+08:00');
    device.send(
      deviceFrame({
        ...{ edition: 2025, mn: MN, st: '39', cn: '2011', madeMs: made, dataTimeMs: made },
        ...{ wantsAnswer: true, key: Buffer.alloc(16, 0x30) },
        items: [{ code: 'LA', value: 83.2, flag: 'N' }],
      }),
    );
    await device.answered(1);
    expect(device.answers[0]).toContain('Flag=8;');
    expect(await readEntries(database.pool)).toMatchObject([
      { batch: { frames: [{ values: { laeq: 83.2 } }] } },
    ]);
  });

  it('split into packets is answered packet by packet, and has one time', async () => {
    const split = { flag: '7' };
    const first = frameOf(`${AT};LA-Rtd=83.2,LA-Flag=N`, {
      ...split,
      qn: qn(1),
      more: 'PNUM=2;PNO=1;',
    });
    const second = frameOf('a34001-Rtd=150,a34001-Flag=N', {
      ...{ ...split, qn: qn(2), more: 'PNUM=2;PNO=2;' },
    });
    device.send(second);
    device.send(first);
    await device.answered(2);
    const at = Date.parse('2026-11-24T08:00:00+08:00');
    expect(await readEntries(database.pool)).toMatchObject([
      { batch: { frames: [{ device: 'noise-1', at }] } },
      { batch: { frames: [{ device: 'dust-1', at }] } },
    ]);
  });

  it('split, whose siblings never come, is put aside when its device goes', async () => {
    const lost = frameOf('a34001-Rtd=150', { flag: '7', more: 'PNUM=2;PNO=2;' });
    device.send(lost);
    device.end();
    await lettersWere(1);
    expect(await letters()).toMatchObject([{ reason: 'hj212-split', raw: lost }]);
    await device.answered(1);
  });
});

describe('what can not be used', () => {
  it.each([
    ['hj212-deviation', altered(ONE, /##\d{4}/, '##0200')],
    ['hj212-time', frameOf('DataTime=20261324080000;LA-Rtd=80,LA-Flag=N')],
    ['hj212-unmapped', frameOf(`${AT};a99999-Rtd=80,a99999-Flag=N`)],
  ])('of a registered device is kept with its reason, then answered: %s', async (reason, frame) => {
    device.send(frame);
    await device.answered(1);
    expect(await letters()).toMatchObject([
      { source: LOGGER_ID, topic: `hj212/${MN}`, reason, raw: frame },
    ]);
    expect(await readRows(database.pool)).toEqual([]);
  });

  it.each([
    ['hj212-unknown-mn', frameOf(`${AT};LA-Rtd=80`, { mn: 'NOBODY' })],
    ['hj212-crc', altered(ONE, 'LA-Rtd=8', 'LA-Rtd=9')],
    ['hj212-malformed', altered(frameOf('', { mn: '' }), '', '')],
    ['hj212-cipher', altered(ONE, /CP=&&.*&&/, 'CP=&&{0x00,0x01}&&')],
    ['hj212-noise', Buffer.from('GET / HTTP/1.1\r\n')],
  ])('of nobody known is kept with its reason, and not answered: %s', async (reason, bytes) => {
    device.send(bytes, reading(1));
    await lettersWere(1);
    expect(await letters()).toMatchObject([
      { source: '127.0.0.1', topic: 'hj212/', reason, raw: bytes },
    ]);
    await device.answered(1);
    expect(device.answers[0]).toContain(qn(1));
  });

  it('blocks nothing behind it', async () => {
    device.send(ONE.subarray(0, 50), 'noise', altered(ONE, 'N&&', 'D&&'), reading(1), reading(2));
    await device.answered(2);
    expect(await readRows(database.pool)).toHaveLength(2);
  });

  it('of modems that keep a line open is nothing', async () => {
    device.send('\r\n\0\0\r\n', reading(1));
    await device.answered(1);
    expect(await letters()).toEqual([]);
  });

  it('is kept as often as the bound for strangers says', async () => {
    await restart({ strayLettersPerHourMax: 2 });
    device.send('one\r\n', 'two\r\n', 'three\r\n', 'four\r\n', ONE);
    await device.answered(1);
    await lettersWere(2);
    expect(await counted('wugan_hj212_refused_total', 'stray-letters-max')).toBe(2);
  });

  it('of another address than the registered one is put aside', async () => {
    loggers.set(MN, loggerOf({ addresses: ['10.1.0.0/16', '192.168.1.7'] }));
    device.send(ONE);
    await lettersWere(1);
    expect(await letters()).toMatchObject([{ reason: 'hj212-other-address' }]);
    loggers.set(MN, loggerOf({ addresses: ['127.0.0.0/8'] }));
    device.send(reading(1));
    await device.answered(1);
  });

  it('is taken in again once the registry knows better', async () => {
    const { gateway, devices: meters } = loggerOf();
    loggers.clear();
    device.send(ONE);
    await lettersWere(1);
    const { rows } = await database.pool.query('select id from telemetry.dead_letter');
    expect(await ingest.replayLetter(Number(rows[0].id))).toMatchObject({
      ok: false,
      reason: 'still-unusable',
    });
    loggers.set(MN, { gateway, devices: meters });
    expect(await ingest.replayLetter(Number(rows[0].id))).toEqual({ ok: true, value: 'stored' });
    expect(await readEntries(database.pool)).toMatchObject([
      { batch: { frames: [{ values: { laeq: 83.2 } }] } },
    ]);
  });
});

describe('the bounds of the listener', () => {
  it('close the connection that is one too many, of all or of one address', async () => {
    await restart({ connectionsMax: 2 });
    await connect();
    await (await connect()).closed();
    await refused('connections-max').toBe(1);
    await restart({ addressConnectionsMax: 2 });
    await connect();
    await (await connect()).closed();
    await refused('address-connections-max').toBe(1);
    device.send(ONE);
    await device.answered(1);
  });

  it('close who never names a registered MN, and who is silent', async () => {
    await restart({ unidentifiedTimeoutMs: 100 });
    const known = device;
    const stranger = await connect();
    known.send(ONE);
    await known.answered(1);
    await stranger.closed();
    await refused('unidentified').toBeGreaterThanOrEqual(1);
    await restart({ idleTimeoutMs: 100 });
    device.send(ONE);
    await device.closed();
    await refused('idle').toBe(1);
  });

  it('read a device only as fast as they say, and lose nothing', async () => {
    await restart({ frameRateMax: 1_000, frameBurstMax: 1, waitingFramesMax: 2 });
    const frames = Array.from({ length: 60 }, (_, i) => reading(i));
    for (const frame of frames) device.send(frame);
    await device.answered(60);
    expect(await readRows(database.pool)).toHaveLength(60);
  });

  it('close a device that sends and never reads its answers', async () => {
    await restart({ frameBurstMax: 1_000_000, frameRateMax: 1_000_000 });
    const notices = Buffer.concat(Array.from({ length: 1_000 }, () => frameOf('', { cn: '9015' })));
    const deaf = await connectDeaf(ingest.hj212!.port);
    let isClosed = false;
    deaf.on('close', () => {
      isClosed = true;
    });
    for (let i = 0; i < 200 && !isClosed; i++) {
      deaf.write(notices);
      await new Promise((next) => setImmediate(next));
    }
    await refused('not-reading').toBe(1);
    deaf.destroy();
  });

  it('tell two devices of one MN from one that comes back', async () => {
    const other = await connect();
    device.send(reading(1));
    await device.answered(1);
    other.send(reading(2));
    await other.answered(1);
    expect(await counted('wugan_hj212_refused_total', 'mn-shared')).toBe(0);
    device.send(reading(3));
    await device.answered(2);
    await refused('mn-shared').toBe(1);
  });
});

describe('the listener', () => {
  it('is ready while it takes devices', async () => {
    expect(ingest.hj212?.readiness()).toMatchObject({ name: 'hj212', ok: true });
  });

  it('lets nobody in before the hub knows its gateways, and then everybody', async () => {
    await ingest.close();
    ingest = await startTestIngest(database, {
      settings: { hj212: { port: 0 } },
      deps: { admitLater: true, hj212Logger: (mn) => loggers.get(mn) },
    });
    const early = await connect();
    early.send(ONE);
    await early.closed();
    expect(await letters()).toEqual([]);
    ingest.admit();
    const late = await connect();
    late.send(ONE);
    await late.answered(1);
    expect(await readRows(database.pool)).toHaveLength(1);
  });

  it('is not there when no setting asks for it', async () => {
    const other = await startTestIngest(await createTestDatabase());
    expect(other.hj212).toBeNull();
    await other.close();
  });

  it('names the setting when its port is taken, or a key can not be read', async () => {
    const { port } = ingest.hj212!;
    const second = await createTestDatabase();
    await expect(startTestIngest(second, { settings: { hj212: { port } } })).rejects.toThrow(
      'ingest.hj212.port',
    );
    const file = join(mkdtempSync(join(tmpdir(), 'wugan-sm4-')), 'key');
    writeFileSync(file, 'secret');
    await expect(
      startTestIngest(second, { settings: { hj212: { port: 0, keys: [{ mn: MN, file }] } } }),
    ).rejects.toThrow(/SM4 key.*32 hex digits/);
    await second.close();
  });

  it('answers what is committed when it stops, and closes its devices', async () => {
    device.send(ONE);
    await device.answered(1);
    await ingest.close();
    await device.closed();
    await start();
  });
});

async function connectDeaf(port: number) {
  const { connect: open } = await import('node:net');
  const socket = open({ port, host: '127.0.0.1' });
  socket.on('error', () => undefined);
  await new Promise((connected) => socket.once('connect', connected));
  socket.pause();
  return socket;
}
