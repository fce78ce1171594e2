import type { FleetChain } from './fleet-chain.ts';
import type { FleetConnection } from './fleet-connection.ts';
import type { FleetMeter } from './fleet-meter.ts';

/** A simulated gateway under way. */
export interface FleetSender {
  /** Sends its next batch. False: its window is full, or it has made all that it should. */
  sendBatch(): boolean;
  /** From now on it makes no more batches. */
  stop(): void;
}

export function createFleetSender(options: {
  readonly chain: FleetChain;
  readonly connection: FleetConnection;
  readonly meter: FleetMeter;
  readonly batchTopic: string;
  readonly sealTopic: string;
  readonly batchesMax: number;
  readonly inFlightMax: number;
  readonly sealEveryBatches: number;
  /** Called when an acknowledgement has opened the window. */
  readonly windowOpened: (sender: FleetSender) => void;
}): FleetSender {
  const { chain, connection, meter } = options;
  let batchesMax = options.batchesMax;
  let inFlight = 0;
  let made = 0;

  function sendSeal(): void {
    inFlight += 1;
    connection.publish(options.sealTopic, chain.seal(), (latencyMs) => {
      inFlight -= 1;
      meter.sealAcked(latencyMs);
    });
  }

  const sender: FleetSender = {
    sendBatch() {
      if (inFlight >= options.inFlightMax || made >= batchesMax) return false;
      const { payload } = chain.nextBatch();
      made += 1;
      inFlight += 1;
      meter.batchSent(payload.length);
      connection.publish(options.batchTopic, payload, (latencyMs) => {
        inFlight -= 1;
        meter.batchAcked(latencyMs);
        options.windowOpened(sender);
      });
      if (made % options.sealEveryBatches === 0 || made === batchesMax) sendSeal();
      return true;
    },
    stop() {
      if (made < batchesMax && made % options.sealEveryBatches !== 0) sendSeal();
      batchesMax = made;
    },
  };
  return sender;
}
