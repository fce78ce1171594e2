import { expect, it } from 'vitest';
import { fuzzBatches } from '../telemetry/fuzz-batches.ts';
import { fuzzFrames } from '../telemetry/hj212/fuzz-frames.ts';
import { fuzzSparkplug } from '../telemetry/sparkplug/fuzz-sparkplug.ts';

const MINUTE_MS = 60_000;
const RUN_MS = 5 * MINUTE_MS;
const INPUTS_MIN = 1_000_000;
const ROUND = 10_000;

const DECODERS = { json: fuzzBatches, sparkplug: fuzzSparkplug, hj212: fuzzFrames };
type Decoder = keyof typeof DECODERS;

/** Run by `npx vitest run --config vitest.soak.config.ts test/soak/decoders.soak.ts`. */
it('three decoders read a million changed inputs each, and memory stays where it was', () => {
  const startedMs = performance.now();
  const inputs: Record<Decoder, number> = { json: 0, sparkplug: 0, hj212: 0 };
  const rssByMinute: number[] = [];
  let decodeMs = 0;
  for (let seed = 1; decodeMs < RUN_MS || Math.min(...Object.values(inputs)) < INPUTS_MIN; seed++) {
    for (const decoder of Object.keys(DECODERS) as Decoder[]) {
      const report = DECODERS[decoder](ROUND, seed);
      inputs[decoder] += report.inputs;
      if ('wrong' in report) expect(report.wrong).toEqual([]);
    }
    decodeMs = performance.now() - startedMs;
    if (decodeMs >= (rssByMinute.length + 1) * MINUTE_MS) {
      rssByMinute.push(process.memoryUsage.rss());
    }
  }
  console.info({ inputs, rssMiBByMinute: rssByMinute.map((bytes) => Math.round(bytes / 2 ** 20)) });
  const [afterFirst = 0] = rssByMinute;
  expect(rssByMinute.at(-1)).toBeLessThanOrEqual(1.1 * afterFirst);
});
