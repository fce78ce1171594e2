import { createServer, isIPv4, type Socket } from 'node:net';
import type { Hj212Logger } from '../../devices/hj212-stations.ts';
import type { Logger } from '../../process/log.ts';
import { createStrayBudget } from '../stray-budget.ts';
import { type Connection, createConnection } from './connection.ts';
import type { Hj212Metrics } from './metrics.ts';
import type { Hj212Settings } from './settings.ts';
import { createSharedMns } from './shared-mns.ts';
import { readSm4Keys } from './sm4-keys.ts';
import { takeFrameAgain } from './take-again.ts';
import type { FrameSink, TakingDeps } from './take-piece.ts';

export interface Hj212Deps {
  /** The registered data logger of this MN. */
  readonly logger: (mn: string) => Hj212Logger | undefined;
  readonly sink: FrameSink;
  readonly metrics: Hj212Metrics;
  /** Hub time, UTC ms. */
  readonly now: () => number;
  readonly log: Logger;
}

export interface Hj212Server {
  readonly port: number;
  /** From now on devices may connect; before, this is a standby that closes their connections. */
  open(): void;
  readiness(): { name: string; ok: boolean; detail: string };
  /** Takes the frame of a dead letter in again. */
  takeAgain(raw: Buffer): ReturnType<typeof takeFrameAgain>;
  /** No new connection, and nothing more is read from those there are. */
  stopReading(): void;
  close(): Promise<void>;
}

const TICK_MS = 1_000;
/** At the close, answers that a device does not take are dropped after this. */
const UNSENT_ANSWERS_MS_MAX = 1_000;
/** A line without traffic is asked this often whether its other end is still there. */
const KEEP_ALIVE_MS = 60_000;

/**
 * Listens for devices that speak HJ 212 over TCP. A frame is answered (9014) when the journal holds it, by
 * the commit that every other message waits for too. Throws when the port is taken or a key can't be read.
 */
export async function startHj212(settings: Hj212Settings, deps: Hj212Deps): Promise<Hj212Server> {
  const { metrics, log } = deps;
  const nowMs = (): number => performance.now();
  const taking: TakingDeps = {
    ...{ ...deps, nowMs },
    keys: readSm4Keys(settings.keys),
    strays: createStrayBudget(settings.strayLettersPerHourMax, nowMs),
  };
  const connections = new Set<Connection>();
  const shared = createSharedMns((mn, addresses) => {
    metrics.refused('mn-shared');
    log.warn({ mn, addresses }, 'two connections send under one MN');
  });
  let accepting = false;
  let inFlightBytes = 0;
  const hasRoom = (): boolean => inFlightBytes < settings.inFlightBytesMax;

  function accept(socket: Socket): void {
    const address = plainAddress(socket.remoteAddress ?? '');
    const refusal = refusalOf(address);
    if (refusal !== null) {
      metrics.refused(refusal);
      socket.destroy();
      return;
    }
    socket.setKeepAlive(true, KEEP_ALIVE_MS);
    const connection = createConnection(socket, {
      ...{ ...taking, settings, address, hasRoom },
      count(bytes) {
        const wasFull = !hasRoom();
        inFlightBytes += bytes;
        if (wasFull && hasRoom()) for (const one of connections) one.resume();
      },
      onIdentified: (mn) => shared.note(mn, connection),
      onClosed() {
        connections.delete(connection);
        shared.forget(connection);
      },
    });
    connections.add(connection);
  }

  function refusalOf(address: string) {
    if (!accepting) return 'standby';
    if (connections.size >= settings.connectionsMax) return 'connections-max';
    let same = 0;
    for (const connection of connections) if (connection.address === address) same += 1;
    return same >= settings.addressConnectionsMax ? 'address-connections-max' : null;
  }

  const server = createServer({ noDelay: true, allowHalfOpen: true }, accept);
  const port = await listen(server, settings);
  const timer = setInterval(() => {
    for (const connection of connections) connection.tick();
  }, TICK_MS);
  metrics.watch({ connections: () => connections.size, inFlightBytes: () => inFlightBytes });
  let listeningEnded: Promise<void> | undefined;
  const stopListening = (): Promise<void> => {
    accepting = false;
    listeningEnded ??= new Promise<void>((done) => server.close(() => done()));
    return listeningEnded;
  };

  return {
    port,
    open: () => {
      accepting = true;
    },
    readiness: () => ({
      name: 'hj212',
      ok: accepting && server.listening,
      detail: accepting ? `${connections.size} devices on port ${port}` : 'takes no devices',
    }),
    takeAgain: (raw) => takeFrameAgain(raw, taking),
    stopReading() {
      void stopListening();
      for (const connection of connections) connection.stopReading();
    },
    async close() {
      clearInterval(timer);
      const stopped = stopListening();
      for (const connection of connections) connection.close(null);
      const late = setTimeout(() => {
        for (const connection of connections) connection.destroy();
      }, UNSENT_ANSWERS_MS_MAX);
      await stopped;
      clearTimeout(late);
    },
  };
}

function listen(
  server: ReturnType<typeof createServer>,
  { host, port }: Hj212Settings,
): Promise<number> {
  return new Promise((listening, busy) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const message =
        `Cannot listen for HJ 212 on ${host}:${port}: ${error.code}. ` +
        'Stop what uses the port, or set ingest.hj212.port to another';
      busy(Object.assign(new Error(message), { hint: 'ingest.hj212.port' }));
    });
    server.listen(port, host, () => listening((server.address() as { port: number }).port));
  });
}

/** IPv4 as such, also on a socket of IPv6. */
function plainAddress(address: string): string {
  const mapped = address.replace(/^::ffff:/, '');
  return isIPv4(mapped) ? mapped : address;
}
