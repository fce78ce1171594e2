import { readFileSync, statSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, type TLSSocket } from 'node:tls';
import { ConfigError } from '../../process/config-file.ts';
import type { BrokerSettings } from './broker-settings.ts';

interface ListenOptions {
  readonly host: string;
  readonly port: number;
  readonly tls: BrokerSettings['tls'];
  readonly onConnection: (socket: Socket) => void;
  /** A handshake that failed, or certificate files that can't be read anew. */
  readonly onFault: (reason: string) => void;
}

export interface MqttListener {
  readonly port: number;
  /** Ends when every connection has ended. */
  close(): Promise<void>;
}

/** A client that has not ended its handshake by then is closed. */
const HANDSHAKE_MS_MAX = 10_000;
const RENEWAL_LOOK_MS = 60_000;
/**
 * Connections that wait to be taken, at most (the kernel may allow fewer: `net.core.somaxconn`). After an
 * outage all gateways come at once; one that finds no place tries again after 1, 3, 7, 15 s.
 */
const BACKLOG = 4_096;

/** Listens for MQTT, by TLS alone when the settings say so. Throws what to change when it can't. */
export async function listenMqtt(options: ListenOptions): Promise<MqttListener> {
  const { host, port, tls, onConnection } = options;
  const { server, stop } =
    tls === undefined
      ? { server: createServer({ noDelay: true }, onConnection), stop: () => undefined }
      : createTls(tls, options);
  try {
    await new Promise<void>((listening, busy) => {
      server.once('error', busy);
      server.listen({ port, host, backlog: BACKLOG }, listening);
    });
  } catch (error) {
    stop();
    const { code } = error as NodeJS.ErrnoException;
    throw Object.assign(
      new Error(
        `Cannot listen for MQTT on ${host}:${port}: ${code}. ` +
          'Stop what uses the port, or set ingest.port to another',
      ),
      { hint: 'ingest.port' },
    );
  }
  return {
    port: (server.address() as { port: number }).port,
    close() {
      stop();
      return new Promise<void>((done) => server.close(() => done()));
    },
  };
}

function createTls(
  files: NonNullable<BrokerSettings['tls']>,
  { onConnection, onFault }: ListenOptions,
): { server: Server; stop: () => void } {
  let read = readFiles(files);
  const server = createTlsServer(
    {
      ...read.context,
      minVersion: 'TLSv1.2',
      handshakeTimeout: HANDSHAKE_MS_MAX,
      requestCert: files.clientCaFile !== undefined,
      rejectUnauthorized: files.clientCaFile !== undefined,
    },
    onConnection,
  );
  server.on('connection', (socket: Socket) => socket.setNoDelay(true));
  server.on('tlsClientError', (error) => onFault(`TLS: ${error.message}`));
  const renewal = setInterval(() => {
    try {
      const now = readFiles(files);
      if (now.changed === read.changed) return;
      server.setSecureContext({ ...now.context, minVersion: 'TLSv1.2' });
      read = now;
    } catch (error) {
      // The certificate in use stays; whoever renews it hears of it.
      onFault((error as Error).message);
    }
  }, RENEWAL_LOOK_MS);
  return { server, stop: () => clearInterval(renewal) };
}

function readFiles({ certFile, keyFile, clientCaFile }: NonNullable<BrokerSettings['tls']>): {
  readonly context: { readonly cert: Buffer; readonly key: Buffer; readonly ca?: Buffer };
  /** When the files were changed last. */
  readonly changed: string;
} {
  const read = (file: string): Buffer => {
    try {
      return readFileSync(file);
    } catch (error) {
      throw new ConfigError(file, [`cannot be read: ${(error as NodeJS.ErrnoException).code}`]);
    }
  };
  const files = [certFile, keyFile, ...(clientCaFile === undefined ? [] : [clientCaFile])];
  return {
    context: {
      cert: read(certFile),
      key: read(keyFile),
      ...(clientCaFile === undefined ? {} : { ca: read(clientCaFile) }),
    },
    changed: files.map((file) => statSync(file).mtimeMs).join(' '),
  };
}

/** Name in a client's certificate; undefined: it has none. */
export function certifiedName(socket: Socket): string | undefined {
  const certificate = (socket as Partial<TLSSocket>).getPeerCertificate?.();
  const name = certificate?.subject?.CN;
  return Array.isArray(name) ? undefined : name;
}
