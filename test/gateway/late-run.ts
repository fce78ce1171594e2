import type { MasterCounters } from '../../src/gateway/modbus/modbus-master.ts';
import { faultyLine, readMany, type Transport } from './faulty-line.ts';

/** Long against the jitter of a busy machine, so that what is meant to be late is. */
const TIMEOUT_MS = 40;

export interface LateRun {
  readonly wrong: number;
  readonly tooLate: number;
  readonly good: number;
  readonly lateSent: number;
  readonly counters: MasterCounters;
}

/** The same on many lines at once: a late reply is mostly waiting. */
export async function lateRun(
  transport: Transport,
  lines: number,
  reads: number,
  late: number,
): Promise<LateRun> {
  const runs = await Promise.all(
    Array.from({ length: lines }, async (_, i) => {
      const { master, slave } = await faultyLine(transport, {
        seed: 1_000 + i,
        faults: { late },
        lateMs: [TIMEOUT_MS + 2, 2 * TIMEOUT_MS - 8],
      });
      const tally = await readMany(master, {
        reads: reads / lines,
        seed: i,
        timeoutMs: TIMEOUT_MS,
      });
      return { tally, lateSent: slave.counts.late, counters: master.counters() };
    }),
  );
  const counters = { ...runs[0]!.counters };
  for (const name of Object.keys(counters) as (keyof MasterCounters)[]) {
    counters[name] = runs.reduce((sum, run) => sum + run.counters[name], 0);
  }
  return {
    wrong: runs.reduce((sum, run) => sum + run.tally.wrong, 0),
    tooLate: runs.reduce((sum, run) => sum + run.tally.tooLate, 0),
    good: runs.reduce((sum, run) => sum + run.tally.good, 0),
    lateSent: runs.reduce((sum, run) => sum + run.lateSent, 0),
    counters,
  };
}
