import { dirname, resolve } from 'node:path';
import { z } from 'zod';
import { GatewayId, RegionCode } from '../model/ids.ts';
import {
  ConfigError,
  describeIssues,
  readYaml,
  type Variable,
  withVariables,
} from '../process/config-file.ts';
import { type BusConfig, Buses, WholeSecondsMs } from './bus-config.ts';
import { withTemplates } from './template-use.ts';

const Ms = z.int().min(1);

/** An Ed25519 public key: 32 bytes in base64, 44 characters. */
const PublicKey = z
  .string()
  .refine(
    (text) => text.length === 44 && Buffer.from(text, 'base64').length === 32,
    'expected 32 bytes in base64, 44 characters',
  );

const MqttConfig = z
  .strictObject({
    url: z.string().regex(/^(mqtts?|wss?):\/\//, 'expected mqtt://host:port or mqtts://host:port'),
    /** Of the protocol: 3.1.1 is what every broker takes. */
    version: z.enum(['3.1.1', '5']).default('3.1.1'),
    username: z.string().optional(),
    password: z.string().optional(),
    /** Files in PEM, for `mqtts:`: the authorities trusted instead of the machine's own. */
    caFile: z.string().min(1).optional(),
    /** The client's certificate and its private key; both or neither. */
    certFile: z.string().min(1).optional(),
    clientKeyFile: z.string().min(1).optional(),
    /** Name that the broker's certificate must have; left out: the host of `url`. */
    serverName: z.string().min(1).optional(),
    keepaliveS: z.int().min(1).default(30),
    connectTimeoutMs: Ms.default(10_000),
    /** Back-off of connecting: full jitter between 0 and a bound that doubles from min to max. */
    reconnectMsMin: Ms.default(1_000),
    reconnectMsMax: Ms.default(120_000),
    /** Messages without PUBACK at a time; the rest waits in the spool. */
    inFlightMax: z.int().min(1).max(10_000).default(200),
    /** Messages sent and not acknowledged by the hub; at this many nothing new is sent. */
    unackedMax: z.int().min(1).default(10_000),
    /** A link that brings no PUBACK for so long is given up and built again. */
    pubackTimeoutMs: Ms.default(60_000),
  })
  .superRefine((mqtt, ctx) => {
    const refuse = (name: string, message: string): void =>
      ctx.addIssue({ code: 'custom', path: [name], message });
    const isTls = /^(mqtts|wss):/.test(mqtt.url);
    for (const name of ['caFile', 'certFile', 'clientKeyFile', 'serverName'] as const) {
      if (mqtt[name] !== undefined && !isTls) refuse(name, 'needs a url of mqtts: or wss:');
    }
    if (mqtt.certFile !== undefined && mqtt.clientKeyFile === undefined) {
      refuse('clientKeyFile', 'expected beside certFile');
    }
    if (mqtt.clientKeyFile !== undefined && mqtt.certFile === undefined) {
      refuse('certFile', 'expected beside clientKeyFile');
    }
    if (mqtt.reconnectMsMin > mqtt.reconnectMsMax) {
      refuse('reconnectMsMin', 'expected at most reconnectMsMax');
    }
  });

/** Every setting of a gateway process: one file, checked at once. */
export const GatewayConfig = z.strictObject({
  gateway: GatewayId,
  region: RegionCode,
  logLevel: z.enum(['debug', 'info', 'warn', 'error', 'silent']).default('info'),
  mqtt: MqttConfig,
  /** The hub's raw Ed25519 key in base64. An ack or command that it did not sign does nothing. */
  hubPublicKey: PublicKey,
  /** The key that the hub changes to: acks and commands signed with it count as well. */
  hubPublicKeyNext: PublicKey.optional(),
  /** The gateway's own Ed25519 key, PKCS#8 PEM; made when it does not exist. */
  keyFile: z.string().min(1),
  spoolFile: z.string().min(1),
  /** Unix socket that `wugan gateway status` asks; left out: `{spoolFile}.sock`. */
  statusSocket: z.string().min(1).optional(),
  /** When it holds more, batches that feed no rule go first, then the oldest, as signed gaps. */
  spoolBytesMax: z
    .int()
    .min(64 * 1024)
    .default(4 * 1024 ** 3),
  spoolAgeMsMax: Ms.default(7 * 86_400_000),
  /** Where the machine's time comes from and how wrong it may be; goes into every batch. */
  clock: z.strictObject({
    source: z.enum(['gps', 'ntp', 'ptp', 'free', 'virtual']),
    errMs: z.number().min(0),
    offsetMs: z.number().default(0),
    /** The program that asks chrony every minute: what it measures counts instead of what is claimed. */
    chronyc: z.string().min(1).optional(),
  }),
  buses: Buses,
  batch: z
    .strictObject({
      maxAgeMs: WholeSecondsMs.default(1_000),
      maxFrames: z.int().min(1).max(2_000).default(500),
      /** Metrics that feed no rule are gathered so long for a batch of their own. */
      spareMaxAgeMs: WholeSecondsMs.default(30_000),
    })
    .prefault({}),
  seal: z
    .strictObject({
      everyMs: WholeSecondsMs.default(60_000),
      everyBatches: z.int().min(1).default(100),
    })
    .prefault({}),
  /** A batch older than this when it is sent goes to `backfill`. */
  liveAgeMsMax: Ms.default(10_000),
  /** Messages of the backlog in one second of the gateway's clock, beside the live ones. */
  backfillPerSecond: z.number().positive().default(50),
  /** Sent and not acknowledged by the hub after this long, and up to twice as long: sent again. */
  resendAfterMs: Ms.default(30_000),
});
export type GatewayConfig = z.infer<typeof GatewayConfig>;
/** The settings as they are written, with defaults left out. */
export type GatewayConfigInput = z.input<typeof GatewayConfig>;

/** What tools need that look at instruments only: there may be no hub yet. */
const BusesOnly = z.looseObject({ buses: Buses });

/** Settings that a variable overrides, by path. */
const VARIABLES: readonly Variable[] = [
  ['MQTT_URL', 'mqtt', 'url'],
  ['HUB_PUBLIC_KEY', 'hubPublicKey'],
];

/**
 * Reads `gateway.yaml` and what the environment overrides. A device names its points inline or by
 * `templateFile`; files are looked up beside the config. Throws `ConfigError` with every fault.
 */
export function readGatewayConfig(
  file: string,
  environment: Readonly<Record<string, string | undefined>> = process.env,
): GatewayConfig {
  const directory = dirname(resolve(file));
  const config = readAs(GatewayConfig, file, environment);
  const { mqtt, keyFile, spoolFile, statusSocket } = config;
  const found = withoutCredentials(mqtt);
  for (const name of ['caFile', 'certFile', 'clientKeyFile'] as const) {
    const path = mqtt[name];
    if (path !== undefined) found[name] = resolve(directory, path);
  }
  return {
    ...config,
    mqtt: found,
    keyFile: resolve(directory, keyFile),
    spoolFile: resolve(directory, spoolFile),
    ...(statusSocket === undefined ? {} : { statusSocket: resolve(directory, statusSocket) }),
  };
}

/** Reads the buses of a `gateway.yaml`, whatever else may be wrong with it or not written yet. */
export const readBuses = (file: string): readonly BusConfig[] => readAs(BusesOnly, file, {}).buses;

/** User and password of the address, which is shown and logged, go where they are not. */
function withoutCredentials(mqtt: GatewayConfig['mqtt']): GatewayConfig['mqtt'] {
  if (!URL.canParse(mqtt.url)) return { ...mqtt };
  const url = new URL(mqtt.url);
  const { username, password } = url;
  if (username === '') return { ...mqtt };
  url.username = '';
  url.password = '';
  const credentials = {
    username: decodeURIComponent(username),
    password: decodeURIComponent(password),
  };
  return { ...mqtt, url: url.href.replace(/\/$/, ''), ...credentials };
}

function readAs<Schema extends z.ZodType>(
  schema: Schema,
  file: string,
  environment: Readonly<Record<string, string | undefined>>,
): z.infer<Schema> {
  const written = withVariables(readYaml(file), VARIABLES, environment);
  const input = withTemplates(written, file, dirname(resolve(file)));
  const parsed = schema.safeParse(input);
  if (!parsed.success) throw new ConfigError(file, describeIssues(parsed.error, input));
  return parsed.data;
}
