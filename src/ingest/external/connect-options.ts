import { readFileSync } from 'node:fs';
import type { IClientOptions } from 'mqtt';
import { readTlsFiles } from '../../process/tls-files.ts';
import type { MqttSettings } from './mqtt-settings.ts';

/**
 * What all connections of the hub to its broker have in common. Files are read anew for each. Throws
 * when one can't be read.
 */
export function connectOptions(settings: MqttSettings): IClientOptions {
  const { version, username, passwordFile, keepaliveS, connectTimeoutMs } = settings;
  return {
    protocolVersion: version === '5' ? 5 : 4,
    keepalive: keepaliveS,
    connectTimeout: connectTimeoutMs,
    queueQoSZero: false,
    resubscribe: false,
    ...(username === undefined ? {} : { username }),
    ...(passwordFile === undefined ? {} : { password: readFileSync(passwordFile, 'utf8').trim() }),
    ...readTlsFiles(settings),
  };
}

/** The URL as it may be shown: without credentials. */
export function shownUrl(url: string): string {
  const shown = new URL(url);
  shown.username = '';
  shown.password = '';
  return shown.href.replace(/\/$/, '');
}

/** The port that the URL names or means. */
export function portOf(url: string): number {
  const { port, protocol } = new URL(url);
  const usual: Readonly<Record<string, number>> = { 'mqtts:': 8_883, 'ws:': 80, 'wss:': 443 };
  return port === '' ? (usual[protocol] ?? 1_883) : Number(port);
}
