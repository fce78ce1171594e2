import { describe, expect, it } from 'vitest';
import { lateRun } from './late-run.ts';

describe('a late reply', () => {
  it('is never a value of another register: Modbus TCP, 50,000 reads, 1,000 late', async () => {
    const run = await lateRun('mbap', 10, 50_000, 0.035);
    expect(run.wrong).toBe(0);
    expect(run.lateSent).toBeGreaterThan(1_000);
    expect(run.good).toBeGreaterThan(45_000);
    expect(run.counters.lateReplies).toBeGreaterThan(900);
    expect(run.counters.drainedBytes).toBeGreaterThan(900 * 11);
  });

  it('is never a value of another register: RTU over TCP, 30,000 reads, 1,000 late', async () => {
    const run = await lateRun('rtu-over-tcp', 30, 30_000, 0.05);
    expect(run.wrong).toBe(0);
    expect(run.lateSent).toBeGreaterThan(1_000);
    expect(run.good).toBeGreaterThan(25_000);
    expect(run.counters.lateReplies).toBeGreaterThan(800);
    expect(run.counters.drainedBytes).toBeGreaterThan(800 * 7);
  });

  it('is never a value of another register: RTU on a serial port, 20,000 reads, 1,000 late', async () => {
    const run = await lateRun('rtu', 20, 20_000, 0.07);
    expect(run.wrong).toBe(0);
    expect(run.lateSent).toBeGreaterThan(1_000);
    expect(run.good).toBeGreaterThan(15_000);
    expect(run.counters.lateReplies).toBeGreaterThan(800);
    expect(run.counters.drainedBytes).toBeGreaterThan(800 * 7);
  });
});
