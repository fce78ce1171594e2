import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, onTestFinished, vi } from 'vitest';
import { readSpoolPosition } from '../../src/gateway/gateway.ts';
import { readOrMakeKey } from '../../src/process/key-file.ts';
import { chainFaults, startFakeHub, timesOf } from './fake-hub.ts';
import { gatewayConfig, plainDevice, testFolder } from './gateway-fixture.ts';

/** Where each run is killed; `null`: from outside, after a few batches. */
const KILLS = [
  'gateway:before-append#10',
  'gateway:after-append#15',
  'gateway:after-publish#20',
  null,
  'gateway:after-puback#12',
  'gateway:before-delete#3',
  null,
];

it('survives kill -9 at any point: every second comes once, and the chain verifies', async () => {
  const folder = testFolder();
  const hub = await startFakeHub();
  onTestFinished(() => hub.close());
  // The process has its devices inside and puts their port in here.
  const bus = { id: 'b', transport: 'tcp' as const, host: '127.0.0.1', port: 1 };
  const devices = [plainDevice('dev-1', 1), plainDevice('dev-2', 2)];
  const config = gatewayConfig(folder, hub, 1, {
    buses: [{ ...bus, devices }],
    resendAfterMs: 500,
  });
  const configFile = join(folder, 'gateway.json');
  writeFileSync(configFile, JSON.stringify(config));

  const start = (armed: string | null): ChildProcess => {
    const script = new URL('./gateway-process.ts', import.meta.url).pathname;
    const args = [script, configFile, ...(armed === null ? [] : [armed])];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'inherit'] });
    onTestFinished(() => void child.kill('SIGKILL'));
    return child;
  };
  const until = (count: number): Promise<void> =>
    vi.waitFor(() => expect(hub.batches.size).toBeGreaterThanOrEqual(count), {
      timeout: 60_000,
      interval: 5,
    });

  for (const armed of KILLS) {
    const child = start(armed);
    const exited = once(child, 'exit');
    if (armed === null) {
      await until(hub.batches.size + 25);
      child.kill('SIGKILL');
    }
    expect(await exited).toEqual([null, 'SIGKILL']);
  }
  const last = start(null);
  await until(hub.batches.size + 30);
  const exited = once(last, 'exit');
  last.kill('SIGTERM');
  expect(await exited).toEqual([0, null]);

  expect(chainFaults(hub, readOrMakeKey(config.keyFile).publicKey)).toEqual([]);
  expect(new Set([...hub.batches.values()].map(({ batch }) => batch.epoch)).size).toBe(1);
  for (const device of ['dev-1', 'dev-2']) {
    const times = timesOf(hub, device);
    expect(times).toEqual(times.map((_, i) => times[0]! + i * 1_000));
    expect(times.length).toBeGreaterThan(120);
  }
  expect(timesOf(hub, 'dev-1').at(-1)).toBe(readSpoolPosition(config.spoolFile));
}, 240_000);
