import { Counter, Gauge, type Registry } from 'prom-client';
import { type CheckpointMetrics, createCheckpointMetrics } from './checkpoint-metrics.ts';
import { deadLetterCounter } from './dead-letter-counter.ts';
import type { Given } from './engine-kit.ts';

export interface EvaluatorMetrics extends CheckpointMetrics {
  /** Outputs were stored. */
  given(given: readonly Given[]): void;
  keyConflict(table: string): void;
  deadLetter(reason: string): void;
}

/** Registers the metrics of the evaluator; `read` is asked with `/metrics`; null: standing by. */
export function createEvaluatorMetrics(
  registry: Registry,
  read: () => { readonly evaluatorPos: number; readonly evaluatorLag: number } | null,
): EvaluatorMetrics {
  const registers = [registry];
  const deadLetters = deadLetterCounter(registry);
  const keyConflicts = new Counter({
    name: 'wugan_key_conflicts_total',
    help: 'Keys met with other content',
    labelNames: ['table'],
    registers,
  });
  const signals = new Counter({
    name: 'wugan_signals_total',
    help: 'Signals of the engine that were stored',
    labelNames: ['kind'],
    registers,
  });
  const gauge = (name: string, help: string, value: () => number): Gauge =>
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(value());
      },
    });
  gauge(
    'wugan_evaluator_pos',
    'Last position whose outputs are stored',
    () => read()?.evaluatorPos ?? 0,
  );
  gauge(
    'wugan_evaluator_lag_entries',
    'Entries not yet evaluated',
    () => read()?.evaluatorLag ?? 0,
  );
  return {
    given(given) {
      for (const { outputs } of given) {
        for (const output of outputs) {
          if (output.kind === 'signal') signals.inc({ kind: output.signal.kind });
        }
      }
    },
    keyConflict: (table) => keyConflicts.inc({ table }),
    deadLetter: (reason) => deadLetters.inc({ reason }),
    ...createCheckpointMetrics(registry),
  };
}
