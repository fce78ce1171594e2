import type { Broker } from './broker.ts';
import {
  type EmbeddedBroker,
  type EmbeddedBrokerOptions,
  startEmbeddedBroker,
} from './embedded-broker.ts';
import { createExternalBroker, type ExternalBrokerOptions } from './external/external-broker.ts';
import type { IngestSettings } from './settings.ts';
import type { SparkplugHost } from './sparkplug/host.ts';

type BrokerDeps = Omit<ExternalBrokerOptions, 'mqtt' | 'shard' | 'inFlightBytesMax'>;

/**
 * The broker of the settings: another one when they name it, else the hub's own, which hands messages of
 * edge nodes to the Sparkplug host once there is one.
 */
export async function startBroker(
  { sparkplug: hostSettings, ...settings }: IngestSettings,
  host: () => SparkplugHost | null,
  deps: BrokerDeps,
): Promise<{ readonly embedded: EmbeddedBroker | null; readonly broker: Broker }> {
  const { mqtt, shard, inFlightBytesMax } = settings;
  const { url } = mqtt;
  if (url !== undefined) {
    const another = { ...deps, mqtt: { ...mqtt, url }, shard, inFlightBytesMax };
    return { embedded: null, broker: createExternalBroker(another) };
  }
  const embedded = await startEmbeddedBroker({
    ...{ ...settings, ...deps },
    ...(hostSettings === undefined ? {} : { sparkplug: edgeNodesOf(hostSettings.hostId, host) }),
  });
  return { embedded, broker: embedded };
}

const edgeNodesOf = (
  hostId: string,
  host: () => SparkplugHost | null,
): NonNullable<EmbeddedBrokerOptions['sparkplug']> => ({
  hostId,
  onMessage: ({ topic, payload, done }) => {
    const settle = (isKept: boolean): void => done(isKept ? 'kept' : 'stopped');
    const present = host();
    if (present === null) settle(false);
    else present.take(topic, payload, settle);
  },
});
