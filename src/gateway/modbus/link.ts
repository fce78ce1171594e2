/** One open way to the medium: a TCP connection or an open serial port. */
export interface Link {
  write(bytes: Uint8Array): void;
  /** Ends when everything that had arrived by now has been given to `onData`. */
  catchUp(): Promise<void>;
  /** Ends when it is released and can be opened again. No event comes after the call. */
  close(): Promise<void>;
}

export interface LinkEvents {
  readonly onUp: (where: string) => void;
  readonly onData: (chunk: Uint8Array) => void;
  /** At most once: it could not be opened, or ended by itself. Nothing comes after it. */
  readonly onDown: (reason: string) => void;
}

/** Begins to open a link; never throws. */
export type OpenLink = (events: LinkEvents) => Link;

/**
 * Two turns of the event loop: between them it asks the system for everything that has arrived. A
 * timer that fires late proves nothing before that.
 */
export const eventLoopTurns = (): Promise<void> =>
  new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
