import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createAverageRate } from '../../cli/average-rate.ts';
import { assertPortsFree } from '../../cli/busy-port.ts';
import { demoStartMs } from '../../cli/demo.ts';
import { summaryLine } from '../../cli/summary.ts';
import { userErrorText } from '../../cli/user-error.ts';
import { DAY_MS, HOUR_MS } from '../../src/model/time.ts';

const wugan = (...args: string[]) =>
  spawnSync(process.execPath, ['bin/wugan.js', ...args], { encoding: 'utf8' });

describe('bin/wugan.js', () => {
  it('says in one line what to do when the Node is too old', () => {
    const old = spawnSync(
      process.execPath,
      [
        '--eval',
        `Object.defineProperty(process.versions, 'node', { value: '20.20.2' }); import('./bin/wugan.js')`,
      ],
      { encoding: 'utf8' },
    );
    expect(old.status).toBe(1);
    expect(old.stderr.trim().split('\n')).toHaveLength(1);
    expect(old.stderr).toContain('npm ci');
  });

  it('lists its commands', () => {
    const { stdout } = wugan('--help');
    for (const command of ['demo', 'hub', 'gateway', 'simulate', 'limits']) {
      expect(stdout).toContain(command);
    }
  });

  it('names a settings file that is not there, without a stack', () => {
    const { status, stderr } = wugan('hub', '-c', '/nowhere/hub.yaml');
    expect(status).toBe(2);
    expect(stderr).toContain('/nowhere/hub.yaml');
    expect(stderr).not.toContain('    at ');
  });

  it.each([
    ['demo', '--data-dir', import.meta.filename],
    ['demo', '--data-dir', `${import.meta.filename}/below`],
    ['demo', '--data-dir', '/proc/wugan'],
    ['simulate', 'fleet', '--load', 'Z'],
    ['simulate', 'fleet', '--mqtt-url', 'nonsense'],
    ['simulate', 'fleet', '--mqtt-url', 'http://127.0.0.1:1883'],
    ['verify', '/nowhere/package.json'],
    ['verify', import.meta.dirname],
    ['verify', import.meta.filename, '--raw', '/nowhere/raw.ndjson'],
    ['verify', import.meta.filename, '--key', 'short'],
    ['dead-letters', 'list', '--url', 'http://127.0.0.1:1'],
    ['dead-letters', 'show', '../status'],
  ])('says in words what is wrong with %s %s %s %s', (...args) => {
    const { status, stderr } = wugan(...args.filter((arg) => arg !== undefined));
    expect(stderr).toMatch(/^Cannot .{20,}\n$/);
    expect(stderr).toContain(args.at(-1)?.replace('/below', ''));
    expect(status).toBe(2);
  });

  it('leaves a file alone that holds no passwords', () => {
    const file = join(mkdtempSync(join(tmpdir(), 'wugan-password-')), 'hub.yaml');
    writeFileSync(file, 'dataDir: data\n');
    const { status, stderr } = wugan('hub', 'password', 'gw-1', '-f', file);
    expect(stderr).toContain(`Cannot use ${file}: line 1: expected client-id`);
    expect(status).toBe(2);
    expect(readFileSync(file, 'utf8')).toBe('dataDir: data\n');
  });

  it('says that a folder is no journal', () => {
    const { status, stderr } = wugan('replay', '--journal', import.meta.dirname);
    expect(stderr).toContain(`Cannot read the journal ${import.meta.dirname}: it is no file`);
    expect(status).toBe(2);
  });

  it('answers a package of an unknown shape without steering the terminal', () => {
    const file = join(mkdtempSync(join(tmpdir(), 'wugan-verify-')), 'p\u001b[31m.json');
    writeFileSync(file, '{"clueNo":"\\u001b]0;x\\u0007"}');
    const { status, stdout } = wugan('verify', file);
    expect(status).toBe(1);
    expect(stdout).toContain('\\u001b[31m.json is no evidence package');
    expect(stdout).not.toContain('\u001b');
  });

  it('gives up on a broker that is not there within 10 s, in words', () => {
    const mqttUrl = 'mqtt://127.0.0.1:1';
    const { status, stderr } = wugan('simulate', 'fleet', '--mqtt-url', mqttUrl, '--gateways', '2');
    expect(stderr).toContain(`Cannot connect to ${mqttUrl} within 10 s: ECONNREFUSED`);
    expect(stderr).not.toContain('    at ');
    expect(status).toBe(2);
  }, 20_000);

  it('prints limits with their law, and as JSON', () => {
    expect(wugan('limits', '630-08-0').stdout).toMatch(/一氧化碳[\s\S]*PC-STEL 30 mg\/m³/);
    const rows = JSON.parse(wugan('limits', 'carbon-monoxide', '--json').stdout);
    expect(rows[0]).toMatchObject({
      id: 'carbon-monoxide',
      limits: [
        { kind: 'PC_TWA', value: 20, unit: 'mg/m3' },
        { kind: 'PC_STEL', value: 30, unit: 'mg/m3' },
      ],
      confirmed: true,
      validFrom: '2020-04-01',
    });
  });
});

describe('demoStartMs()', () => {
  const nowMs = Date.parse('2026-11-24T12:00:00.500Z');
  const dayAgoMs = Date.parse('2026-11-23T12:00:00Z');

  it('starts 24 h ago, on a whole second, when there is no spool', () => {
    expect(demoStartMs(null, nowMs)).toEqual({ atMs: dayAgoMs, holeMs: 0 });
  });

  it('goes on where the last run stopped', () => {
    expect(demoStartMs(nowMs - HOUR_MS, nowMs)).toEqual({ atMs: nowMs - HOUR_MS, holeMs: 0 });
  });

  it('leaves a hole when the last run stopped more than 24 h ago', () => {
    const stoppedMs = dayAgoMs - DAY_MS;
    expect(demoStartMs(stoppedMs, nowMs)).toEqual({ atMs: dayAgoMs, holeMs: DAY_MS });
  });
});

describe('assertPortsFree()', () => {
  it('names the busy port and the option that moves it', async () => {
    const server = createServer();
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    const { port } = server.address() as { port: number };
    await expect(assertPortsFree([{ port, option: '--http-port' }])).rejects.toThrow(
      `Port ${port} on 127.0.0.1 is in use: stop what uses it, or choose another with --http-port`,
    );
    await new Promise((done) => server.close(done));
    await expect(assertPortsFree([{ port, option: '--http-port' }])).resolves.toBeUndefined();
  });
});

describe('userErrorText()', () => {
  it('gives a hint beside what failed, once', () => {
    const hint = 'Choose another port.';
    expect(userErrorText(Object.assign(new Error('Port taken.'), { hint }))).toBe(
      `Port taken.\n${hint}`,
    );
    expect(userErrorText(Object.assign(new Error(`Taken. ${hint}`), { hint }))).toBe(
      `Taken. ${hint}`,
    );
  });

  it('names a port in use that nobody looked at before', async () => {
    const first = createServer();
    await new Promise<void>((resolve) => first.listen(0, '127.0.0.1', resolve));
    const { port } = first.address() as { port: number };
    const second = createServer();
    const error = await new Promise<Error>((resolve) => {
      second.once('error', resolve).listen(port, '127.0.0.1');
    });
    first.close();
    expect(userErrorText(error)).toContain(`Port ${port} on 127.0.0.1 is in use`);
  });

  it('tells of folders that are not to be written to', () => {
    const fault = { code: 'EACCES', path: '/srv/wugan', syscall: 'mkdir' };
    expect(userErrorText(Object.assign(new Error('EACCES'), fault))).toBe(
      'Cannot use /srv/wugan: permission denied (EACCES)',
    );
  });

  it('leaves bugs their stack', () => {
    expect(userErrorText(new TypeError('x is not a function'))).toBeUndefined();
    expect(userErrorText('x')).toBeUndefined();
  });
});

describe('createAverageRate()', () => {
  it('does not fall to 0 between two bursts', () => {
    const rate = createAverageRate(10_000);
    // 50 readings every 5 s, looked at every second.
    const rates = Array.from({ length: 31 }, (_, s) => rate(Math.floor(s / 5) * 50, s * 1_000));
    expect(rates[0]).toBe(0);
    expect(rates.slice(10)).toEqual(rates.slice(10).map(() => 10));
  });

  it('falls to 0 when nothing came for the whole time', () => {
    const rate = createAverageRate(10_000);
    rate(0, 0);
    expect(rate(100, 1_000)).toBe(100);
    for (let s = 2; s <= 10; s += 1) expect(rate(100, s * 1_000)).toBeGreaterThan(0);
    expect(rate(100, 11_000)).toBe(0);
  });
});

describe('summaryLine()', () => {
  it('is one line with what flows, where it stands, and what came out', () => {
    const line = summaryLine({
      virtualNowMs: Date.parse('2026-11-24T00:00:01Z'),
      speed: 120,
      readingsPerSecond: 864,
      journalPos: 1_000,
      evaluatorLag: 2,
      postsNear: 1,
      postsOver: 2,
      cluesPushed: 3,
      deadLetters: 0,
    });
    expect(line).toBe(
      '2026-11-24 08:00:01 (×120)  864 readings/s  journal 1000 (lag 2)  posts near 1, over 2  clues pushed 3',
    );
  });
});
