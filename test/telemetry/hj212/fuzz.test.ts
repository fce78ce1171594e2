import { expect, it } from 'vitest';
import { fuzzFrames } from './fuzz-frames.ts';

it('300,000 changed frames give batches of the contract or a reason, and no memory grows', () => {
  const { batches, faults, wrong } = fuzzFrames(300_000, Date.now() & 0xffff);
  expect(wrong).toEqual([]);
  expect(batches).toBeGreaterThan(10_000);
  expect(faults).toBeGreaterThan(100_000);
}, 240_000);
