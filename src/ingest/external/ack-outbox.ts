/** Acks on their way to the broker, the latest of each gateway. */
export interface AckOutbox {
  /** Replaces what waits for this topic; ends when the broker has it, or at once while it is away. */
  put(topic: string, payload: Buffer): Promise<void>;
  /** Connected: what the broker did not take before goes now, at most `inFlightMax` at a time. */
  up(inFlightMax: number, publish: Publish): void;
  down(): void;
}

/** Publishes with QoS 1; calls back at the PUBACK. */
type Publish = (topic: string, payload: Buffer, onPuback: () => void) => void;

interface Waiting {
  readonly payload: Buffer;
  readonly taken: (() => void)[];
}

/**
 * Acks are retained and each stands for all before it, so only the latest of a topic is kept: the
 * outbox holds at most one a gateway, however long the broker is away.
 */
export function createAckOutbox(): AckOutbox {
  const waiting = new Map<string, Waiting>();
  const inFlight = new Map<string, Waiting>();
  let link: { readonly inFlightMax: number; readonly publish: Publish } | null = null;

  function send(): void {
    const own = link;
    if (own === null) return;
    for (const [topic, ack] of waiting) {
      if (inFlight.size >= own.inFlightMax) return;
      // One after the other, or the older could stay retained.
      if (inFlight.has(topic)) continue;
      waiting.delete(topic);
      inFlight.set(topic, ack);
      own.publish(topic, ack.payload, () => {
        if (link !== own) return;
        inFlight.delete(topic);
        for (const taken of ack.taken) taken();
        send();
      });
    }
  }

  return {
    put: (topic, payload) =>
      new Promise((taken) => {
        const before = waiting.get(topic)?.taken ?? [];
        if (link === null) taken();
        waiting.set(topic, { payload, taken: link === null ? [] : [...before, taken] });
        send();
      }),
    up(inFlightMax, publish) {
      link = { inFlightMax, publish };
      send();
    },
    down() {
      link = null;
      const left = [...inFlight, ...waiting];
      inFlight.clear();
      waiting.clear();
      for (const [topic, { payload, taken }] of left) {
        waiting.set(topic, { payload, taken: [] });
        for (const end of taken) end();
      }
    },
  };
}
