import { execFile, execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { testFolder } from './gateway-fixture.ts';

const PROCESS = new URL('./full-disk-process.ts', import.meta.url).pathname;
const DISK_MB = 96;
/** Runs a program with a small disk of its own; nobody else sees it, and it goes with the program. */
const onSmallDisk = (folder: string, ...command: string[]): string[] => [
  '-rm',
  'sh',
  '-c',
  `mount -t tmpfs -o size=${DISK_MB}m small "$0" && exec "$@"`,
  folder,
  ...command,
];

/** Some machines let nobody make a disk. */
function mayMount(): boolean {
  try {
    const folder = testFolder();
    execFileSync('unshare', onSmallDisk(folder, 'true'), { stdio: 'ignore' });
    return true;
  } catch {
    // No unshare, or not allowed to use it.
    return false;
  }
}

describe('a disk that is full before the spool is', () => {
  it('costs the oldest batches, as signed gaps, and no new one', async (context) => {
    if (!mayMount()) context.skip('this machine lets nobody make a disk');
    const folder = join(testFolder(), 'disk');
    mkdirSync(folder);
    const command = [process.execPath, PROCESS, join(folder, 'spool.sqlite'), '160'];
    const { stdout } = await promisify(execFile)('unshare', onSmallDisk(folder, ...command));
    const { count, seq, kinds, batchesGivenUp, share } = JSON.parse(stdout);
    expect(count).toBe(8_000);
    expect(seq).toBe(count);
    expect(kinds.batch + batchesGivenUp).toBe(count);
    expect(kinds.gap).toBeGreaterThanOrEqual(1);
    // Most of the disk is still used, and the spool knows that it is full.
    expect(kinds.batch).toBeGreaterThan(2_000);
    expect(share).toBeGreaterThan(0.8);
  }, 60_000);
});
