import type { Ulid } from '../model/ids.ts';
import type { FaultPoint } from '../process/fault-point.ts';
import { versionsRead } from '../telemetry/later-versions.ts';
import { ACK_RANGES_MAX, type AckMessage } from '../telemetry/messages.ts';
import { type SigningKey, signMessage } from '../telemetry/signing.ts';
import type { EpochProgress } from './journal/epoch-progress.ts';

/** Epochs named in one ack: the latest, and of the others those that a gateway may wait to hear of. */
const EPOCHS_MAX = 16;
const EPOCHS_LATEST = 4;
/** Largest share of the process's time that acks may take; beyond it they come less often. */
const TIME_SHARE_MAX = 0.05;
const CHECKS_PER_INTERVAL = 10;

export interface Acks {
  /** Something of these gateways was committed, or came again. */
  touch(gateways: Iterable<string>): void;
  /** The gateway said that it is there: it gets its ack at once. */
  online(gateway: string): void;
  /** Sends what is due without waiting; ends when the broker has taken it. */
  flush(): Promise<void>;
  close(): void;
}

interface AcksDeps {
  readonly key: SigningKey;
  readonly intervalMs: number;
  readonly now: () => number;
  readonly epochsOf: (gateway: string) => readonly EpochProgress[];
  /** Publishes retained, QoS 1, on the gateway's `ack` topic. */
  readonly publish: (gateway: string, payload: Buffer) => Promise<void>;
  readonly faultPoint: FaultPoint;
}

type AckEpoch = AckMessage['epochs'][number];

/**
 * Signed acks from committed progress: at most one per gateway and interval, and at once when a gateway
 * comes online. A gateway deletes from its spool on nothing else.
 */
export function createAcks({
  key,
  intervalMs,
  now,
  epochsOf,
  publish,
  faultPoint,
}: AcksDeps): Acks {
  const sentMs = new Map<string, number>();
  const pending = new Set<string>();
  let restUntilMs = 0;

  function send(gateway: string): Promise<void> {
    pending.delete(gateway);
    sentMs.set(gateway, now());
    faultPoint('ack:before-publish');
    const message = signMessage(
      { v: 1, gateway, accepts: versionsRead(), at: now(), epochs: ackEpochs(epochsOf(gateway)) },
      key,
    );
    return publish(gateway, Buffer.from(JSON.stringify(message)));
  }

  function sendDue(): void {
    const startedMs = now();
    if (startedMs < restUntilMs) return;
    for (const gateway of pending) {
      if (startedMs - (sentMs.get(gateway) ?? 0) >= intervalMs) void send(gateway);
    }
    restUntilMs = startedMs + (now() - startedMs) / TIME_SHARE_MAX;
  }

  const timer = setInterval(sendDue, Math.max(10, intervalMs / CHECKS_PER_INTERVAL));
  return {
    touch(gateways) {
      for (const gateway of gateways) pending.add(gateway);
    },
    online: (gateway) => void send(gateway),
    async flush() {
      await Promise.all([...pending].map(send));
    },
    close: () => clearInterval(timer),
  };
}

/**
 * What an ack says of a gateway's epochs, given oldest first: the latest, and of the others those that
 * something came of last (a gateway keeps sending what no ack names), then those with unsettled seqs.
 */
export function ackEpochs(epochs: readonly EpochProgress[]): AckEpoch[] {
  const latest = epochs.slice(-EPOCHS_LATEST);
  const others = epochs
    .slice(0, -EPOCHS_LATEST)
    .filter(({ touched, committed }) => touched > 0 || committed.stored.length > 0)
    // Stable: among equals the later of the list stay last.
    .sort((a, b) => a.touched - b.touched)
    .slice(-(EPOCHS_MAX - EPOCHS_LATEST));
  return [...others, ...latest].map(
    ({ epoch, committed }): AckEpoch => ({
      epoch: epoch as Ulid,
      durable: committed.durable,
      stored: committed.stored.slice(0, ACK_RANGES_MAX).map(([from, to]) => [from, to]),
      sealed: committed.sealed,
    }),
  );
}
