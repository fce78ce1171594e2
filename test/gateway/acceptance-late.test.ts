import { describe, expect, it } from 'vitest';
import { type LateRun, lateRun } from './late-run.ts';

/** On a busy machine good replies are late as well, and late ones die with their connection. */
function expectEnough({ good, lateSent, counters }: LateRun): void {
  expect(lateSent).toBeGreaterThan(1_000);
  expect(good).toBeGreaterThan(1_000);
  expect(counters.lateReplies).toBeGreaterThan(100);
  expect(counters.drainedBytes).toBeGreaterThan(100 * 7);
}

describe('a late reply', () => {
  it('is never a value of another register: Modbus TCP, 60,000 reads, 1,000 late', async () => {
    const run = await lateRun('mbap', 25, 60_000, 0.03);
    expect([run.wrong, run.tooLate]).toEqual([0, 0]);
    expectEnough(run);
  });

  it('is never a value of another register: RTU over TCP, 30,000 reads, 1,000 late', async () => {
    const run = await lateRun('rtu-over-tcp', 60, 30_000, 0.05);
    expect([run.wrong, run.tooLate]).toEqual([0, 0]);
    expectEnough(run);
  });

  it('is never a value of another register: RTU on a serial port, 10,000 reads, 1,000 late', async () => {
    const run = await lateRun('rtu', 40, 10_000, 0.13);
    expect(run.wrong).toBe(0);
    expectEnough(run);
  });
});
