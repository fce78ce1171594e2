import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** PEM files of a certificate and its key. */
export interface PemPair {
  readonly cert: string;
  readonly key: string;
}

export interface Certificates {
  readonly ca: string;
  /** For 127.0.0.1, signed by the authority. */
  readonly server: PemPair;
  readonly client: PemPair;
  /** Another authority, and a client of it. */
  readonly strangerCa: string;
  readonly stranger: PemPair;
}

const openssl = (...args: string[]): void => {
  execFileSync('openssl', args, { stdio: 'ignore' });
};

/** Makes two authorities and what they sign, with the openssl of the machine. */
export function makeCertificates(folder: string): Certificates {
  const authority = (name: string): PemPair => {
    const pair = { cert: join(folder, `${name}.pem`), key: join(folder, `${name}.key`) };
    const subject = ['-subj', `/CN=${name}`, '-days', '2'];
    openssl('req', '-x509', ...newKey(pair.key), '-out', pair.cert, ...subject);
    return pair;
  };
  const signed = (name: string, by: PemPair, extension: string): PemPair => {
    const pair = { cert: join(folder, `${name}.pem`), key: join(folder, `${name}.key`) };
    const request = join(folder, `${name}.csr`);
    const extensions = join(folder, `${name}.ext`);
    writeFileSync(extensions, extension);
    openssl('req', ...newKey(pair.key), '-out', request, '-subj', `/CN=${name}`);
    const signing = ['-CA', by.cert, '-CAkey', by.key, '-CAcreateserial', '-days', '2'];
    openssl('x509', '-req', '-in', request, ...signing, '-extfile', extensions, '-out', pair.cert);
    return pair;
  };
  const ca = authority('ca');
  const strangerCa = authority('stranger-ca');
  return {
    ca: ca.cert,
    server: signed('server', ca, 'subjectAltName=IP:127.0.0.1\nextendedKeyUsage=serverAuth\n'),
    client: signed('gw-test', ca, 'extendedKeyUsage=clientAuth\n'),
    strangerCa: strangerCa.cert,
    stranger: signed('stranger', strangerCa, 'extendedKeyUsage=clientAuth\n'),
  };
}

const newKey = (file: string): string[] => [
  ...['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'],
  ...['-keyout', file],
];
