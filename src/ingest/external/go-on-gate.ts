/**
 * Bounds the messages in flight and their payload bytes: at a bound the next message has to wait, and
 * TCP its sender. A broker that keeps to the receive maximum never meets the bound of messages; one of
 * MQTT 3.1.1 knows no such maximum, and Mosquitto 2.0 exceeds it once PUBACKs come.
 */
export interface GoOnGate {
  /** Calls `goOn` at once below the bound, else when it is left again. */
  take(bytes: number, goOn: () => void): void;
  give(bytes: number): void;
  bytes(): number;
  /** The connection that waited is gone. */
  forget(): void;
  /** Nobody has to wait any more. */
  open(): void;
}

export function createGoOnGate(bounds: {
  readonly bytesMax: number;
  readonly messagesMax: number;
}): GoOnGate {
  let bytes = 0;
  let messages = 0;
  let held: (() => void) | null = null;
  let isOpen = false;
  const isClosed = (): boolean =>
    !isOpen && (bytes >= bounds.bytesMax || messages > bounds.messagesMax);
  const release = (): void => {
    const goOn = held;
    held = null;
    goOn?.();
  };
  return {
    take(taken, goOn) {
      bytes += taken;
      messages += 1;
      if (isClosed()) held = goOn;
      else goOn();
    },
    give(given) {
      bytes -= given;
      messages -= 1;
      if (!isClosed()) release();
    },
    bytes: () => bytes,
    forget: () => {
      held = null;
    },
    open() {
      isOpen = true;
      release();
    },
  };
}
