import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { requireDebianPackage } from './debian-packages.ts';

const LIBRARY = '/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1';

/** A machine's wall clock, for processes started with its environment, that can be set while they run. */
export interface FakedClock {
  /** Wall clock alone: what counts from the machine's start goes on as it is. */
  readonly environment: Readonly<Record<string, string>>;
  /** From now on the clock is this far ahead of the real one, ms; negative: behind it. */
  set(aheadMs: number): void;
  close(): void;
}

export async function createFakedClock(aheadMs: number): Promise<FakedClock> {
  await requireDebianPackage('libfaketime', LIBRARY);
  const folder = mkdtempSync(join(tmpdir(), 'wugan-clock-'));
  const file = join(folder, 'ahead');
  const set = (ms: number): void => {
    // Renamed into place, so that nobody reads a half-written time.
    writeFileSync(`${file}.new`, `${ms < 0 ? '-' : '+'}${Math.abs(ms) / 1_000}\n`);
    renameSync(`${file}.new`, file);
  };
  set(aheadMs);
  return {
    environment: {
      LD_PRELOAD: LIBRARY,
      FAKETIME_TIMESTAMP_FILE: file,
      FAKETIME_NO_CACHE: '1',
      DONT_FAKE_MONOTONIC: '1',
    },
    set,
    close: () => rmSync(folder, { recursive: true, force: true }),
  };
}
