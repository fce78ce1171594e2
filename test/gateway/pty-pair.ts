import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { onTestFinished, vi } from 'vitest';
import { requireDebianPackage } from '../debian-packages.ts';

export interface PtyPair {
  /** Paths of the two ends of the cable. */
  readonly master: string;
  readonly slave: string;
  /** Pulls the cable: both ends are gone. */
  unplug(): Promise<void>;
  plug(): Promise<void>;
}

/** Two serial ports with a cable between them, by socat. */
export async function openPtyPair(folder: string, name = 'pty'): Promise<PtyPair> {
  const socat = await requireDebianPackage('socat', 'socat');
  const master = join(folder, `${name}-master`);
  const slave = join(folder, `${name}-slave`);
  let child: ChildProcess | undefined;

  async function plug(): Promise<void> {
    const ends = [master, slave].map((link) => `pty,raw,echo=0,link=${link}`);
    child = spawn(socat, ends, { stdio: 'ignore' });
    await vi.waitFor(
      () => {
        if (!existsSync(master) || !existsSync(slave)) throw new Error('socat has no ports yet');
      },
      { timeout: 30_000, interval: 2 },
    );
  }

  async function unplug(): Promise<void> {
    const own = child;
    child = undefined;
    if (own === undefined || own.exitCode !== null) return;
    own.kill('SIGTERM');
    await once(own, 'exit');
  }

  await plug();
  onTestFinished(unplug);
  return { master, slave, plug, unplug };
}
