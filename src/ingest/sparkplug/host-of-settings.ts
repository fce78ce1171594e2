import type { Registry } from 'prom-client';
import type { SparkplugNode } from '../../devices/sparkplug-nodes.ts';
import type { Logger } from '../../process/log.ts';
import type { DeadLetters } from '../dead-letters.ts';
import type { EmbeddedBroker } from '../embedded-broker.ts';
import type { JournalWriter } from '../journal/writer.ts';
import type { IngestMetrics } from '../metrics.ts';
import type { IngestSettings } from '../settings.ts';
import { openEmbeddedLink } from './embedded-link.ts';
import { createSparkplugHost, type SparkplugHost } from './host.ts';
import { openHostLink } from './host-link.ts';
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

/**
 * The host application of the settings, not online yet; null: they name none.
 *
 * @param embedded the hub's own broker; null: the settings name another one, and edge nodes are there
 */
export function hostOfSettings(
  { sparkplug: settings, mqtt }: IngestSettings,
  { metrics: registry, log, now, sparkplugNode }: HostDeps,
  metrics: IngestMetrics,
  {
    embedded,
    storing,
  }: {
    readonly embedded: EmbeddedBroker | null;
    readonly storing: () => Storing | undefined;
  },
): SparkplugHost | null {
  const sparkplugMetrics = createSparkplugMetrics(registry);
  if (settings === undefined) return null;
  const { hostId, groups } = settings;
  const { url } = mqtt;
  return createSparkplugHost(settings, {
    ...{ metrics: sparkplugMetrics, log, now },
    openLink: (events) =>
      url === undefined
        ? openEmbeddedLink({ hostId, broker: embedded as EmbeddedBroker, now })
        : openHostLink({ mqtt: { ...mqtt, url }, hostId, groups, now, log, ...events }),
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
