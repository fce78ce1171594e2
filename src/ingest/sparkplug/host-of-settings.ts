import type { Registry } from 'prom-client';
import type { SparkplugNode } from '../../devices/sparkplug-nodes.ts';
import type { Logger } from '../../process/log.ts';
import type { DeadLetters } from '../dead-letters.ts';
import type { JournalWriter } from '../journal/writer.ts';
import type { IngestMetrics } from '../metrics.ts';
import type { IngestSettings } from '../settings.ts';
import { createSparkplugHost, type SparkplugHost } from './host.ts';
import { createSparkplugMetrics } from './metrics.ts';

interface HostDeps {
  readonly metrics: Registry;
  readonly log: Logger;
  /** Hub time, UTC ms. */
  readonly now: () => number;
  readonly sparkplugNode?: (group: string, edgeNode: string) => SparkplugNode | undefined;
}

/** What there is once this hub holds the shard. */
interface Storing {
  readonly writer: JournalWriter;
  readonly letters: DeadLetters;
}

/** The host application of the settings, not online yet; null: they name none. */
export function hostOfSettings(
  { sparkplug: settings, mqtt }: IngestSettings,
  { metrics: registry, log, now, sparkplugNode }: HostDeps,
  metrics: IngestMetrics,
  storing: () => Storing | undefined,
): SparkplugHost | null {
  const sparkplugMetrics = createSparkplugMetrics(registry);
  const { url } = mqtt;
  if (settings === undefined || url === undefined) return null;
  return createSparkplugHost(settings, {
    ...{ mqtt: { ...mqtt, url }, metrics: sparkplugMetrics, log, now },
    node: sparkplugNode ?? (() => undefined),
    storingTroubleSinceMs: () => storing()?.writer.downSinceMs() ?? null,
    sink: {
      submit(submission) {
        metrics.received('sparkplug');
        const writer = storing()?.writer;
        if (writer === undefined) submission.done('closed');
        else writer.submit(submission);
      },
      putAside(letter) {
        metrics.deadLetter(letter.reason);
        const letters = storing()?.letters;
        if (letters === undefined) letter.done(false);
        else letters.put(letter);
      },
    },
  });
}
