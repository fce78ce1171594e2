import type { Clock } from '../model/time.ts';
import type { Logger } from '../process/log.ts';
import type { Batcher } from './batcher.ts';
import type { GatewayConfig } from './config.ts';
import { startInterval } from './interval.ts';
import type { Publisher } from './publisher.ts';
import type { Spool } from './spool.ts';

/** Batches close this long after their second, so that one holds the whole second of all devices. */
const FLUSH_LAG_MS_MAX = 250;

export interface FlushingSettings {
  readonly config: GatewayConfig;
  readonly clock: Clock;
  readonly log: Logger;
  readonly spool: Pick<Spool, 'seal' | 'stats' | 'lookAtDisk'>;
  readonly batcher: Pick<Batcher, 'flush'>;
  readonly publisher: Pick<Publisher, 'wake'>;
  readonly watchClock: () => void;
}

/** Closes batches and seals the chain at their times, and says when the spool fills. */
export function startFlushing(settings: FlushingSettings): {
  follow(config: GatewayConfig): void;
  /** Puts what is open into the spool and seals it. */
  close(): Promise<void>;
} {
  const { clock, log, spool, batcher, publisher } = settings;
  let { maxAgeMs } = settings.config.batch;
  let warned = spool.stats(clock.now()).fill.warning ?? 0;
  const lagMsOf = (): number => Math.min(FLUSH_LAG_MS_MAX, maxAgeMs / 4);

  function flush(): void {
    settings.watchClock();
    batcher.flush();
  }

  function seal(): void {
    try {
      spool.seal(clock.now());
      publisher.wake();
      spool.lookAtDisk();
      sayFill();
    } catch (error) {
      log.error(
        { err: error },
        'cannot seal, or put its disk in order; the next seal covers this one',
      );
    }
  }

  function sayFill(): void {
    const { warning, hoursLeft, share } = spool.stats(clock.now()).fill;
    if ((warning ?? 0) > warned) {
      const percent = Math.round(share * 100);
      log.warn({ percent, hoursLeft }, `the spool is more than ${warning} % full`);
    }
    warned = warning ?? 0;
  }

  const startFlush = () =>
    startInterval({ clock, periodMs: maxAgeMs, lagMs: lagMsOf(), work: flush });
  let flushing = startFlush();
  const { everyMs } = settings.config.seal;
  const sealing = startInterval({ clock, periodMs: everyMs, lagMs: lagMsOf(), work: seal });

  return {
    follow(config) {
      if (config.batch.maxAgeMs === maxAgeMs) return;
      maxAgeMs = config.batch.maxAgeMs;
      void flushing.close();
      flushing = startFlush();
    },
    async close() {
      await Promise.all([flushing.close(), sealing.close()]);
      batcher.flush();
      seal();
    },
  };
}
