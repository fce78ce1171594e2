import { describe, expect, it } from 'vitest';
import { fuzzFrames } from '../telemetry/hj212/fuzz-frames.ts';
import { fuzzSparkplug } from '../telemetry/sparkplug/fuzz-sparkplug.ts';

const MINUTE_MS = 60_000;
const RUN_MS = 5 * MINUTE_MS;
const INPUTS_MIN = 1_000_000;
const ROUND = 50_000;

const DECODERS = [
  ['Sparkplug B', fuzzSparkplug],
  ['HJ 212', fuzzFrames],
] as const;

describe('decoders under mutated input', () => {
  it.each(DECODERS)(
    '%s: a million inputs and five minutes, and memory stays where it was',
    (_name, fuzz) => {
      const startedMs = performance.now();
      let inputs = 0;
      let firstMinuteBytes = 0;
      for (let seed = 1; ; seed += 1) {
        const report = fuzz(ROUND, seed);
        inputs += report.inputs;
        if ('wrong' in report) expect(report.wrong).toEqual([]);
        const tookMs = performance.now() - startedMs;
        if (firstMinuteBytes === 0 && tookMs >= MINUTE_MS)
          firstMinuteBytes = process.memoryUsage.rss();
        if (tookMs >= RUN_MS && inputs >= INPUTS_MIN) break;
      }
      const atEndBytes = process.memoryUsage.rss();
      console.info({ inputs, firstMinuteBytes, atEndBytes });
      expect(atEndBytes).toBeLessThanOrEqual(1.1 * firstMinuteBytes);
    },
  );
});
