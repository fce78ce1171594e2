import { Registry } from 'prom-client';
import { expect, it } from 'vitest';
import type { Given } from '../../src/ingest/engine-kit.ts';
import { createEvaluatorMetrics } from '../../src/ingest/evaluator-metrics.ts';

it('counts the signals that were stored by their kind', async () => {
  const registry = new Registry();
  const metrics = createEvaluatorMetrics(registry, () => null);
  const outputs = ['SILENCE', 'DATA_GAP', 'SILENCE'].map((kind) => ({
    kind: 'signal',
    signal: { kind },
  }));
  metrics.given([{ outputs: [...outputs, { kind: 'cell' }] } as unknown as Given]);
  const text = await registry.metrics();
  expect(text).toContain('wugan_signals_total{kind="SILENCE"} 2');
  expect(text).toContain('wugan_signals_total{kind="DATA_GAP"} 1');
});
