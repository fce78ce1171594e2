import type { Registry } from 'prom-client';
import type { Hj212Logger } from '../../devices/hj212-stations.ts';
import type { Logger } from '../../process/log.ts';
import type { DeadLetters } from '../dead-letters.ts';
import type { JournalWriter } from '../journal/writer.ts';
import type { IngestMetrics } from '../metrics.ts';
import { createHj212Metrics } from './metrics.ts';
import { type Hj212Server, startHj212 } from './server.ts';
import type { Hj212Settings } from './settings.ts';

interface ListenDeps {
  readonly metrics: Registry;
  readonly log: Logger;
  readonly now?: () => number;
  readonly hj212Logger?: (mn: string) => Hj212Logger | undefined;
}

/** Where frames go while this hub holds the shard. */
interface Shard {
  readonly writer: JournalWriter;
  readonly letters: DeadLetters;
}

/**
 * Listens for HJ 212 as the settings say, in front of the journal of a shard; null: they don't. Nothing is
 * taken before `open()`, so before there is a shard.
 */
export async function listenForHj212(
  settings: Hj212Settings | undefined,
  { metrics: registry, log, now = Date.now, hj212Logger = () => undefined }: ListenDeps,
  metrics: IngestMetrics,
  shard: () => Shard | undefined,
): Promise<Hj212Server | null> {
  const hj212Metrics = createHj212Metrics(registry);
  if (settings === undefined) return null;
  return startHj212(settings, {
    ...{ metrics: hj212Metrics, log, now, logger: hj212Logger },
    sink: {
      submit(submission) {
        metrics.received('hj212');
        const held = shard();
        if (held === undefined) submission.done('closed');
        else held.writer.submit(submission);
      },
      putAside(letter) {
        metrics.deadLetter(letter.reason);
        const held = shard();
        if (held === undefined) letter.done(false);
        else held.letters.put(letter);
      },
    },
  });
}
