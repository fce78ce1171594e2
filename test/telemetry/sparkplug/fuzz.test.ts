import { expect, it } from 'vitest';
import { fuzzSparkplug } from './fuzz-sparkplug.ts';

it('300,000 mutated payloads are read, refused or put aside, and nothing breaks', () => {
  const report = fuzzSparkplug(300_000, 20_261_124);
  // The mutations reach all of it: neither the parser nor the session alone.
  expect(report.malformed).toBeGreaterThan(30_000);
  expect(report.batches).toBeGreaterThan(30_000);
  expect(report.unusable).toBeGreaterThan(1_000);
});
