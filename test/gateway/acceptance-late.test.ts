import { describe, expect, it } from 'vitest';
import { type LateRun, lateRun } from './late-run.ts';

/** On a busy machine some good replies are late as well, and some late ones die with their connection. */
function expectEnough({ good, lateSent, counters }: LateRun, reads: number): void {
  expect(lateSent).toBeGreaterThan(1_000);
  expect(good).toBeGreaterThan(reads / 2);
  expect(counters.lateReplies).toBeGreaterThan(500);
}

describe('a late reply', () => {
  it('is never a value of another register: Modbus TCP, 50,000 reads, 1,000 late', async () => {
    const run = await lateRun('mbap', 25, 50_000, 0.035);
    expect([run.wrong, run.tooLate]).toEqual([0, 0]);
    expectEnough(run, 50_000);
    expect(run.counters.drainedBytes).toBeGreaterThan(500 * 11);
  });

  it('is never a value of another register: RTU over TCP, 30,000 reads, 1,000 late', async () => {
    const run = await lateRun('rtu-over-tcp', 60, 30_000, 0.05);
    expect([run.wrong, run.tooLate]).toEqual([0, 0]);
    expectEnough(run, 30_000);
    expect(run.counters.drainedBytes).toBeGreaterThan(500 * 7);
  });

  it('is never a value of another register: RTU on a serial port, 20,000 reads, 1,000 late', async () => {
    const run = await lateRun('rtu', 40, 20_000, 0.07);
    expect(run.wrong).toBe(0);
    expectEnough(run, 20_000);
    expect(run.counters.drainedBytes).toBeGreaterThan(500 * 7);
  });
});
