import { readFileSync } from 'node:fs';

/** Files in PEM, as settings name them. */
export interface TlsFileSettings {
  /** The authorities trusted instead of the machine's own. */
  readonly caFile?: string | undefined;
  readonly certFile?: string | undefined;
  readonly clientKeyFile?: string | undefined;
  /** Name that the server's certificate must have; left out: the host of the URL. */
  readonly serverName?: string | undefined;
}

/** TLS options as `node:tls` takes them. */
export interface TlsFiles {
  readonly minVersion: 'TLSv1.2';
  readonly rejectUnauthorized: true;
  readonly ca?: Buffer;
  readonly cert?: Buffer;
  readonly key?: Buffer;
  readonly servername?: string;
}

/**
 * Reads the certificate files of the settings, anew for every connection: a renewed certificate counts
 * from the next one on. Throws when one can't be read. A broker whose certificate is not trusted, or of
 * another name, is never talked to: there is no setting for that.
 */
export function readTlsFiles(settings: TlsFileSettings): TlsFiles {
  const { caFile, certFile, clientKeyFile, serverName } = settings;
  return {
    minVersion: 'TLSv1.2',
    rejectUnauthorized: true,
    ...(caFile === undefined ? {} : { ca: readFileSync(caFile) }),
    ...(certFile === undefined ? {} : { cert: readFileSync(certFile) }),
    ...(clientKeyFile === undefined ? {} : { key: readFileSync(clientKeyFile) }),
    ...(serverName === undefined ? {} : { servername: serverName }),
  };
}
