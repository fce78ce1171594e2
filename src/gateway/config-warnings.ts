import { accessSync, constants, readFileSync, realpathSync, statfsSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { SECOND_MS } from '../model/time.ts';
import { signingKeyFromPem } from '../telemetry/signing.ts';
import { budgetWarnings, pollPeriodOf } from './bus-budget.ts';
import type { BusConfig, DeviceConfig } from './bus-config.ts';
import type { GatewayConfig } from './config.ts';

/** What is worth a look in settings that are free of faults, on the machine as it is. */
export const configWarnings = (config: GatewayConfig): string[] => [
  ...config.buses.flatMap(budgetWarnings),
  ...config.buses.flatMap(({ devices }) => devices.flatMap(deviceWarnings)),
  ...portWarnings(config.buses),
  ...keyWarnings(config),
  ...tlsWarnings(config),
  ...diskWarnings(config),
];

function deviceWarnings(device: DeviceConfig): string[] {
  const { device: name, periodMs, timeoutMs, points } = device;
  const isSlow = periodMs > SECOND_MS && points.some(({ feedsRule }) => feedsRule);
  const gridMs = pollPeriodOf(device);
  return [
    ...(isSlow
      ? [
          `${name}: each value stands for ${periodMs / SECOND_MS} s. Only an instrument's own mean does that; else read every second`,
        ]
      : []),
    ...(timeoutMs > gridMs
      ? [`${name}: timeoutMs ${timeoutMs} is longer than its period of ${gridMs} ms`]
      : []),
  ];
}

function portWarnings(buses: readonly BusConfig[]): string[] {
  const ports = buses.flatMap((bus) => (bus.transport === 'rtu' ? [bus] : []));
  const seen = new Map<string, string>();
  return ports.flatMap(({ id, path }): string[] => {
    if (!isUsable(path, constants.R_OK | constants.W_OK)) {
      const why = isUsable(path, constants.F_OK) ? 'may not be used by this user' : 'is not there';
      return [`bus ${id}: ${path} ${why}`];
    }
    const real = realpathSync(path);
    const other = seen.get(real);
    seen.set(real, id);
    return other === undefined ? [] : [`buses ${other} and ${id} are one serial port: ${real}`];
  });
}

function keyWarnings({ keyFile, hubPublicKey, mqtt }: GatewayConfig): string[] {
  const tls = (['caFile', 'certFile', 'clientKeyFile'] as const).flatMap((name) => {
    const file = mqtt[name];
    return file === undefined || isUsable(file, constants.R_OK)
      ? []
      : [`mqtt.${name}: ${file} can't be read`];
  });
  if (!isUsable(keyFile, constants.F_OK)) {
    const hint = 'make it with wugan gateway keygen, or it is made at the start';
    return [`${keyFile} does not exist: ${hint}`, ...tls];
  }
  if (!isUsable(keyFile, constants.R_OK))
    return [`${keyFile} may not be read by this user`, ...tls];
  const mode = statSync(keyFile).mode & 0o777;
  return [
    ...((mode & 0o077) === 0 ? [] : [`${keyFile} can be read by others: chmod 600 ${keyFile}`]),
    ...(isOwnKey(keyFile, hubPublicKey) ? ['hubPublicKey is the key of this gateway itself'] : []),
    ...tls,
  ];
}

function isOwnKey(keyFile: string, hubPublicKey: string): boolean {
  try {
    return signingKeyFromPem(readFileSync(keyFile, 'utf8')).publicKey === hubPublicKey;
  } catch {
    // A key file that holds no key is told at the start.
    return false;
  }
}

const tlsWarnings = ({ mqtt }: GatewayConfig): string[] =>
  /^(mqtts|wss):/.test(mqtt.url)
    ? []
    : ['mqtt.url is not encrypted: use mqtts:// on every network that is not yours alone'];

const GIB = 2 ** 30;

/** The spool's bound must be reached before the disk is full. */
function diskWarnings({ spoolFile, spoolBytesMax }: GatewayConfig): string[] {
  const folder = dirname(spoolFile);
  if (!isUsable(folder, constants.F_OK))
    return [`${folder} does not exist: it is made at the start`];
  if (!isUsable(folder, constants.W_OK)) return [`${folder} can't be written to`];
  const { bavail, bsize } = statfsSync(folder);
  const held = isUsable(spoolFile, constants.F_OK) ? statSync(spoolFile).size : 0;
  const freeBytes = bavail * bsize + held;
  if (freeBytes >= spoolBytesMax) return [];
  const [free, wanted] = [freeBytes, spoolBytesMax].map((bytes) => (bytes / GIB).toFixed(1));
  return [
    `the disk of ${spoolFile} has ${free} GiB for it, spoolBytesMax is ${wanted} GiB: set it lower`,
  ];
}

function isUsable(file: string, mode: number): boolean {
  try {
    accessSync(file, mode);
    return true;
  } catch {
    // Absent or forbidden: what is asked for is told.
    return false;
  }
}
