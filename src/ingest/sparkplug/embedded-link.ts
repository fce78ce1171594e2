import { writeHostState } from '../../telemetry/sparkplug/host-state.ts';
import { stateTopicOf } from '../../telemetry/sparkplug/sparkplug-topic.ts';
import type { EmbeddedBroker } from '../embedded-broker.ts';
import type { HostLink } from './host-link.ts';

/**
 * The host application inside its own broker: nobody can speak for it, so it needs no will; messages come
 * from the broker whether it says that it is online or not, so none is missed.
 */
export function openEmbeddedLink({
  hostId,
  broker,
  now,
}: {
  readonly hostId: string;
  readonly broker: Pick<EmbeddedBroker, 'publishForHost'>;
  /** Hub time, UTC ms. */
  readonly now: () => number;
}): HostLink {
  const timestamp = now();
  const tell = (online: boolean): Promise<void> => {
    const state = writeHostState({ online, timestamp: Math.max(timestamp, now()) });
    return broker.publishForHost(stateTopicOf(hostId), state, { qos: 1, retain: true });
  };
  const told = tell(true);
  return {
    trouble: () => null,
    publish(topic, payload) {
      void broker.publishForHost(topic, Buffer.from(payload), { qos: 0, retain: false });
      return true;
    },
    async close() {
      await told;
      await tell(false);
    },
  };
}
