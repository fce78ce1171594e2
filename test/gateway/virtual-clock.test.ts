import { setTimeout as passRealTime } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { createVirtualClock, type VirtualClock } from '../../simulators/virtual-clock.ts';
import { aliveTimeMs } from './alive-time.ts';

const START_MS = 1_763_794_800_000;
const FAR_MS = START_MS + 86_400_000;

/** A clock that will not reach real time during the test. */
const farFromNow = (speed = 100): VirtualClock =>
  createVirtualClock({
    startMs: START_MS,
    speed,
    catchUpTo: () => FAR_MS,
    realMs: aliveTimeMs,
  });

/** A task that waits for each of `count` seconds, works for real ms, and notes the time it saw. */
async function everySecond(clock: VirtualClock, count: number, workMs: number): Promise<number[]> {
  const { signal } = new AbortController();
  const seen: number[] = [];
  for (let i = 1; i <= count; i += 1) {
    await clock.sleepUntil(START_MS + i * 1_000, signal);
    seen.push(clock.now());
    if (workMs > 0) await passRealTime(workMs);
    seen.push(clock.now());
  }
  return seen;
}

const whole = (count: number): number[] =>
  Array.from({ length: count }, (_, i) => START_MS + (i + 1) * 1_000).flatMap((at) => [at, at]);

describe('the virtual clock', () => {
  it('stands at its start until somebody waits on it', async () => {
    const clock = farFromNow();
    await passRealTime(30);
    expect(clock.now()).toBe(START_MS);
  });

  it('runs at its speed', async () => {
    const clock = farFromNow(100);
    const startedMs = aliveTimeMs();
    await clock.sleepUntil(START_MS + 20_000);
    const tookMs = aliveTimeMs() - startedMs;
    expect(tookMs).toBeGreaterThanOrEqual(199);
    expect(tookMs).toBeLessThan(1_000);
  });

  it('keeps its speed over deadlines closer together than a timer tick', async () => {
    const clock = farFromNow(1_000);
    const startedMs = aliveTimeMs();
    const { signal } = new AbortController();
    for (let i = 1; i <= 5_000; i += 1) await clock.sleepUntil(START_MS + i * 100, signal);
    const tookMs = aliveTimeMs() - startedMs;
    expect(tookMs).toBeGreaterThan(490);
    expect(tookMs).toBeLessThan(3_000);
  });

  it('stops at every deadline and stands still while the woken task works', async () => {
    const clock = farFromNow(1_000);
    expect(await everySecond(clock, 20, 5)).toEqual(whole(20));
  });

  it('waits for the slowest of several tasks', async () => {
    const clock = farFromNow(1_000);
    const seen = await Promise.all([1, 0, 7, 3].map((workMs) => everySecond(clock, 15, workMs)));
    expect(seen).toEqual([whole(15), whole(15), whole(15), whole(15)]);
  });

  it('goes on after 250 ms without a task that never sleeps again', async () => {
    const clock = farFromNow(1_000);
    const { signal } = new AbortController();
    await clock.sleepUntil(START_MS + 1_000, signal);
    const endedMs = aliveTimeMs();
    await clock.sleepUntil(START_MS + 2_000, new AbortController().signal);
    const heldMs = aliveTimeMs() - endedMs;
    expect(heldMs).toBeGreaterThan(200);
    expect(heldMs).toBeLessThan(1_500);
    expect(clock.now()).toBe(START_MS + 2_000);
  });

  it('does not wait for a task whose signal aborted', async () => {
    const clock = farFromNow(1_000);
    const task = new AbortController();
    await clock.sleepUntil(START_MS + 1_000, task.signal);
    task.abort();
    const endedMs = aliveTimeMs();
    await clock.sleepUntil(START_MS + 2_000, new AbortController().signal);
    expect(aliveTimeMs() - endedMs).toBeLessThan(240);
  });

  it('ends a sleep at once when its signal aborts, and does not begin one after', async () => {
    const clock = farFromNow(1);
    const task = new AbortController();
    const sleeping = clock.sleepUntil(START_MS + 3_600_000, task.signal);
    task.abort();
    await sleeping;
    await clock.sleepUntil(START_MS + 3_600_000, task.signal);
    expect(clock.now()).toBeLessThan(START_MS + 3_600_000);
  });

  it('does not sleep until a time that has passed', async () => {
    const clock = farFromNow();
    await clock.sleepUntil(START_MS - 5_000);
    expect(clock.now()).toBe(START_MS);
  });

  it('never goes back', async () => {
    const clock = farFromNow(1_000);
    const done = Promise.all([everySecond(clock, 200, 0), everySecond(clock, 20, 4)]);
    let running = true;
    void done.then(() => {
      running = false;
    });
    let last = 0;
    let looks = 0;
    while (running) {
      const now = clock.now();
      expect(now).toBeGreaterThanOrEqual(last);
      last = now;
      looks += 1;
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(looks).toBeGreaterThan(50);
  });

  it('reaches real time without jumping over a deadline, and follows it exactly from then on', async () => {
    const realStartMs = Date.now();
    const startMs = Math.floor(realStartMs / 1_000) * 1_000 - 60_000;
    const clock = createVirtualClock({
      startMs,
      speed: 200,
      catchUpTo: Date.now,
      realMs: aliveTimeMs,
    });
    const { signal } = new AbortController();
    const late: number[] = [];
    for (let at = startMs + 1_000; !clock.isLive(); at += 1_000) {
      await clock.sleepUntil(at, signal);
      if (!clock.isLive()) late.push(clock.now() - at);
      await passRealTime(1);
    }
    expect(late.length).toBeGreaterThanOrEqual(59);
    expect(Math.max(...late)).toBe(0);
    const beforeMs = Date.now();
    const nowMs = clock.now();
    expect(nowMs).toBeGreaterThanOrEqual(beforeMs);
    expect(nowMs).toBeLessThanOrEqual(Date.now());
    const wakeMs = Date.now() + 50;
    await clock.sleepUntil(wakeMs, signal);
    expect(Date.now() - wakeMs).toBeGreaterThanOrEqual(0);
  });
});
