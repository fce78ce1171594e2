import { expect, it } from 'vitest';
import { fuzzBatches } from './fuzz-batches.ts';

it('50,000 changed batches are taken, parked or refused as the schema says', () => {
  const { batches, rejected, wrong } = fuzzBatches(50_000, 20_261_124);
  expect(wrong).toEqual([]);
  // Both sides of the line were tried.
  expect(batches).toBeGreaterThan(500);
  expect(rejected).toBeGreaterThan(10_000);
});
