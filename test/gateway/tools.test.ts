import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { stringify } from 'yaml';
import { signingKeyFromPem } from '../../src/telemetry/signing.ts';
import { freePort } from '../free-port.ts';
import { testFolder } from './gateway-fixture.ts';
import { startPlainServer } from './modbus-servers.ts';

const MAIN = new URL('../../cli/main.ts', import.meta.url).pathname;

/** Runs the program to its end. */
async function wugan(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  try {
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [MAIN, ...args]);
    return { code: 0, out: stdout, err: stderr };
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
    return { code, out: stdout, err: stderr };
  }
}

const co = { metric: 'co', address: 0, type: 'float32', range: [0, 500], unit: 'mg/m3' };

function settings(folder: string, port: number, device: object = {}, overrides: object = {}) {
  const file = join(folder, 'gateway.yaml');
  const bus = { id: 'b1', transport: 'tcp', host: '127.0.0.1', port };
  const config = {
    gateway: 'gw-1',
    region: '330106',
    mqtt: { url: 'mqtt://127.0.0.1:1' },
    hubPublicKey: `${'A'.repeat(43)}=`,
    keyFile: 'key.pem',
    spoolFile: 'spool.sqlite',
    clock: { source: 'ntp', errMs: 30 },
    buses: [{ ...bus, devices: [{ device: 'co-1', unitId: 3, points: [co], ...device }] }],
    ...overrides,
  };
  writeFileSync(file, stringify(config));
  return file;
}

describe('wugan gateway keygen', () => {
  it('makes a private key of mode 0600, prints the public one, and never overwrites', async () => {
    const file = join(testFolder(), 'sub', 'key.pem');
    const first = await wugan('gateway', 'keygen', '-o', file);
    const { publicKey, keyId } = signingKeyFromPem(readFileSync(file, 'utf8'));
    expect(first.out).toContain(publicKey);
    expect(first.out).toContain(keyId);
    expect(first.out).not.toContain('PRIVATE');
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const before = readFileSync(file, 'utf8');
    const second = await wugan('gateway', 'keygen', '-o', file);
    expect(second.code).toBe(2);
    expect(second.err).toContain(`Cannot use ${file}: exists already and is kept`);
    expect(readFileSync(file, 'utf8')).toBe(before);
  });
});

describe('wugan gateway check', () => {
  it('prints poll plan, bus budget, templates, how long the spool lasts, and warnings', async () => {
    const device = { templateFile: 'wugan:co-transmitter', points: undefined };
    const file = settings(testFolder(), 502, device);
    const { code, out } = await wugan('gateway', 'check', '-c', file);
    expect(code).toBe(0);
    expect(out).toMatch(/templates: co-transmitter@1#[0-9a-f]{16}/);
    expect(out).toMatch(/bus b1 \(tcp\): \d+\.\d % of its time/);
    expect(out).toMatch(/co-1 unit 3: .*input 0–4/);
    expect(out).toMatch(/spool: 2\.0 values\/s; 4\.0 GiB hold about 7\.0 days/);
    expect(out).toMatch(/warning: mqtt.url is not encrypted/);
    expect(out).toMatch(/gateway.yaml is sound\n$/);
  });

  it('warns of what may not work on this machine', async () => {
    const folder = testFolder();
    const rtu = { transport: 'rtu', devices: [{ device: 'd', points: [co], periodMs: 5_000 }] };
    const file = settings(
      folder,
      502,
      {},
      {
        spoolBytesMax: 2 ** 50,
        buses: [{ ...rtu, id: 'b1', path: join(folder, 'ttyS9') }],
      },
    );
    const made = await wugan('gateway', 'keygen', '-o', join(folder, 'key.pem'));
    const [, publicKey = ''] = /public key: +(\S+)/.exec(made.out) ?? [];
    const text = readFileSync(file, 'utf8').replace(
      /^hubPublicKey: .*$/m,
      `hubPublicKey: ${publicKey}`,
    );
    writeFileSync(file, text);
    chmodSync(join(folder, 'key.pem'), 0o644);
    const { code, out } = await wugan('gateway', 'check', '-c', file);
    expect(code).toBe(0);
    expect(out).toMatch(/warning: d: each value stands for 5 s/);
    expect(out).toMatch(/warning: bus b1: .*ttyS9 is not there/);
    expect(out).toMatch(/warning: .*key.pem can be read by others/);
    expect(out).toMatch(/warning: hubPublicKey is the key of this gateway itself/);
    expect(out).toMatch(/warning: the disk of .* has \d+\.\d GiB for it, spoolBytesMax is/);
  });

  it('names every fault with path, value and reason, and fails', async () => {
    const points = [{ metric: 'co', address: 0, type: 'int16', range: [9, 1], order: 'CDAB' }];
    const file = settings(testFolder(), 502, { points }, { region: 'x' });
    const { code, err } = await wugan('gateway', 'check', '-c', file);
    expect(code).toBe(2);
    expect(err).toMatch(/region: expected a 6-digit.*found "x"/);
    expect(err).toMatch(/points.0.order: expected AB, BA for int16; found "CDAB"/);
    expect(err).toMatch(/points.0.range: expected \[low, high\] with low < high; found \[9,1\]/);
  });
});

describe('wugan gateway probe', () => {
  it('shows the words in all four byte orders against the range, and which one fits', async () => {
    // 20.5 as a float with its words swapped: 0000 41A4.
    const words = [0x0000, 0x41a4];
    const server = await startPlainServer((_, address) => words[address] ?? 7);
    onTestFinished(() => server.close());
    const file = settings(testFolder(), server.port);
    const args = ['probe', '-c', file, '-d', 'co-1', '-r', 'holding:0:2', '-r', 'input:9'];
    const { code, out } = await wugan('gateway', ...args);
    expect(code).toBe(0);
    expect(out).toContain('co: holding 0–1 float32, words 0000 41a4, expected 0 to 500 mg/m3');
    expect(out).toMatch(/ABCD +\S+ +set$/m);
    expect(out).toMatch(/CDAB +20\.5 +in range/);
    expect(out).toMatch(/BADC /);
    expect(out).toMatch(/DCBA /);
    expect(out).toContain('in range in the order CDAB, not ABCD: see');
    expect(out).toMatch(/float32: ABCD .* CDAB 20\.5/);
    expect(out).toMatch(/input 9: 0007/);
  });

  it('says that a device does not answer, and that a bus can not be reached', async () => {
    const server = await startPlainServer(() => null);
    onTestFinished(() => server.close());
    // Nobody has a hub's key while the instruments are wired.
    const noHub = { hubPublicKey: '<later>' };
    const silent = settings(testFolder(), server.port, { timeoutMs: 100 }, noHub);
    const { out } = await wugan('gateway', 'probe', '-c', silent, '-d', 'co-1');
    expect(out).toMatch(/words no reply within 100 ms[\s\S]*gives no value, flag B/);
    expect(out).toMatch(/It answered nothing. Look at: the unit id; A and B exchanged/);
    const nowhere = settings(testFolder(), await freePort());
    const refused = await wugan('gateway', 'probe', '-c', nowhere, '-d', 'co-1');
    expect(refused.code).toBe(2);
    expect(refused.err).toMatch(/bus b1: no connection .*ECONNREFUSED/);
    const unknown = await wugan('gateway', 'probe', '-c', nowhere, '-d', 'co-9');
    expect(unknown.err).toMatch(/has no device co-9; it has co-1/);
  });
});

describe('wugan gateway status', () => {
  it('asks the running gateway, which runs without a subcommand too', async () => {
    const server = await startPlainServer(() => 0x4000);
    onTestFinished(() => server.close());
    const file = settings(testFolder(), server.port, {}, { logLevel: 'silent' });
    const nobody = await wugan('gateway', 'status', '-c', file);
    expect(nobody.code).toBe(2);
    expect(nobody.err).toMatch(/nobody answers at .*spool.sqlite.sock/);
    const child = spawn(process.execPath, [MAIN, 'gateway', '-c', file], { stdio: 'ignore' });
    onTestFinished(() => void child.kill('SIGKILL'));
    const asked = await vi.waitFor(
      async () => {
        const { code, out } = await wugan('gateway', 'status', '-c', file);
        expect(code).toBe(0);
        expect(out).toMatch(/co-1 unit 3 HEALTHY, last frame \d+ s ago, rtt p50 \d+\.\d ms/);
        return out;
      },
      { timeout: 30_000, interval: 200 },
    );
    expect(asked).toMatch(/spool \d+ items, .* full, hours left not known yet/);
    expect(asked).toMatch(/mqtt DOWN \(.*ECONNREFUSED.*\), .* last ack never/);
    expect(asked).toMatch(/bus b1 up, .* requests \d+, time-outs 0, crc 0/);
    const { out } = await wugan('gateway', 'status', '-c', file, '--json');
    expect(JSON.parse(out)).toMatchObject({ gateway: 'gw-1', devices: [{ state: 'HEALTHY' }] });
    const metrics = await wugan('gateway', 'status', '-c', file, '--metrics');
    expect(metrics.out).toMatch(/^wugan_gateway_spool_items \d+$/m);
    expect(metrics.out).toMatch(/^wugan_gateway_device_state\{bus="b1",device="co-1"\} 0$/m);
    expect(metrics.out).toMatch(/^wugan_gateway_bus_foreign_master\{bus="b1"\} 0$/m);
    const raw = await wugan('gateway', 'status', '-c', file, '--raw');
    expect(raw.out).toMatch(/bus b1\n/);
    expect(raw.out).toMatch(/> [0-9a-f]{4}00000006030300000002 {2}< [0-9a-f]{4}\w+ {2}ok/);
    expect(statSync(join(file, '../spool.sqlite.sock')).mode & 0o777).toBe(0o600);
    const second = await wugan('gateway', 'run', '-c', file);
    expect(second.code).toBe(2);
    expect(second.err).toMatch(/Cannot use .*spool.sqlite: another process holds it/);
    const exited = once(child, 'exit');
    child.kill('SIGTERM');
    expect(await exited).toEqual([0, null]);
  });
});
