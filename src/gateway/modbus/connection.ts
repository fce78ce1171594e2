import { createBackOff } from '../../process/back-off.ts';
import type { Link, OpenLink } from './link.ts';

export interface ConnectionSettings {
  readonly open: OpenLink;
  readonly reconnectMsMin: number;
  readonly reconnectMsMax: number;
  /** `reopen` opens at once, but not more often than this. */
  readonly reopenMsMin: number;
  /** Left alone for so long after it came up. */
  readonly afterConnectMs: number;
  readonly onUp: (where: string) => void;
  readonly onData: (chunk: Uint8Array) => void;
  /** It can't be used any more. Not called by `close`. */
  readonly onDown: (reason: string) => void;
}

export interface Connection {
  isUp(): boolean;
  write(bytes: Uint8Array): void;
  catchUp(): Promise<void>;
  /** Ends the link, if any; the next attempt follows after the back-off. */
  drop(reason: string): void;
  /** Ends the link and opens another; ends when that is up, or is known not to come up. */
  reopen(reason: string): Promise<void>;
  /** Somebody sensible is at the other end: the back-off starts anew. */
  confirm(): void;
  close(): Promise<void>;
}

/**
 * Keeps one link up: reconnects with full jitter between 0 and a bound that doubles. Connecting is not
 * enough to start the back-off anew, a valid reply is.
 */
export function createConnection(settings: ConnectionSettings): Connection {
  const backOff = createBackOff(
    { msMin: settings.reconnectMsMin, msMax: settings.reconnectMsMax },
    Math.random,
  );
  let link: Link | undefined;
  let isUp = false;
  let isClosed = false;
  let timer: NodeJS.Timeout | undefined;
  let lastReopenMs = Number.NEGATIVE_INFINITY;
  let afterReopen: (() => void) | undefined;

  const endReopen = (): void => {
    afterReopen?.();
    afterReopen = undefined;
  };

  function connect(): void {
    let own: Link | undefined;
    const isMine = (): boolean => own !== undefined && own === link;
    own = settings.open({
      onUp(where) {
        if (settings.afterConnectMs === 0) up(where);
        else timer = setTimeout(() => isMine() && up(where), settings.afterConnectMs);
      },
      onData: (chunk) => isMine() && settings.onData(chunk),
      onDown: (reason) => isMine() && drop(reason),
    });
    link = own;
  }

  function up(where: string): void {
    isUp = true;
    settings.onUp(where);
    endReopen();
  }

  /** Ends the link; ends when it is released. */
  function release(): Promise<void> {
    clearTimeout(timer);
    const own = link;
    link = undefined;
    isUp = false;
    return own?.close() ?? Promise.resolve();
  }

  function connectIn(released: Promise<void>, delayMs: number): void {
    released.then(() => {
      if (!isClosed) timer = setTimeout(connect, delayMs);
    });
  }

  function drop(reason: string): void {
    if (link === undefined) return;
    const released = release();
    settings.onDown(reason);
    endReopen();
    if (!isClosed) connectIn(released, backOff.next());
  }

  connect();
  return {
    isUp: () => isUp,
    write: (bytes) => link?.write(bytes),
    catchUp: () => link?.catchUp() ?? Promise.resolve(),
    drop,
    reopen() {
      if (link === undefined || isClosed) return Promise.resolve();
      const waitMs = Math.max(0, lastReopenMs + settings.reopenMsMin - performance.now());
      lastReopenMs = performance.now() + waitMs;
      connectIn(release(), waitMs);
      return new Promise((resolve) => {
        afterReopen = resolve;
      });
    },
    confirm: backOff.reset,
    close() {
      isClosed = true;
      endReopen();
      return release();
    },
  };
}
