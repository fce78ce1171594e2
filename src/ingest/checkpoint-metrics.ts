import { Counter, Gauge, type Registry } from 'prom-client';
import type { WrittenCheckpoint } from './checkpoint-writer.ts';

export interface CheckpointMetrics {
  checkpointed(written: WrittenCheckpoint): void;
  checkpointRefused(reason: string): void;
}

/** Registers the metrics of checkpoints. */
export function createCheckpointMetrics(registry: Registry): CheckpointMetrics {
  const registers = [registry];
  const gauge = (name: string, help: string): Gauge => new Gauge({ name, help, registers });
  const bytesOfAll = gauge('wugan_checkpoint_bytes', 'Size of the latest checkpoint');
  const bytesOfNew = gauge('wugan_checkpoint_written_bytes', 'What of it had changed');
  const seconds = gauge('wugan_checkpoint_seconds', 'Time the latest checkpoint took');
  const copySeconds = gauge(
    'wugan_checkpoint_copy_seconds',
    'Time of it in which the engine waited',
  );
  const heldSeconds = gauge(
    'wugan_checkpoint_held_seconds',
    'Longest time at once that it held the thread',
  );
  const refused = new Counter({
    name: 'wugan_checkpoints_refused_total',
    help: 'Checkpoints that could not be used at a start',
    labelNames: ['reason'],
    registers,
  });
  return {
    checkpointRefused: (reason) => refused.inc({ reason }),
    checkpointed({ bytes, writtenBytes, tookMs, copyMs, heldMsMax }) {
      bytesOfAll.set(bytes);
      bytesOfNew.set(writtenBytes);
      seconds.set(tookMs / 1_000);
      copySeconds.set(copyMs / 1_000);
      heldSeconds.set(heldMsMax / 1_000);
    },
  };
}
