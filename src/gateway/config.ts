import { dirname, resolve } from 'node:path';
import { z } from 'zod';
import { DeviceId, GatewayId, RegionCode } from '../model/ids.ts';
import { ConfigError, describeIssues, readYaml } from '../process/config-file.ts';
import { budgetFaults } from './bus-budget.ts';
import { BUS_SHAPES, mediumOf } from './bus-transport.ts';
import { DeviceProtocol } from './device-protocol.ts';
import { PointConfig } from './point-config.ts';
import { deviceFaults } from './template.ts';
import { withTemplates } from './template-use.ts';

const Ms = z.int().min(1);
const WholeSecondsMs = z
  .int()
  .min(1_000)
  .max(3_600_000)
  .multipleOf(1_000, 'expected whole seconds');

const DeviceConfig = z
  .strictObject({
    /** The registry's id. */
    device: DeviceId,
    unitId: z.int().min(0).max(255).default(1),
    periodMs: WholeSecondsMs.default(1_000),
    /** Reads so often within a period of one second; its value is made by each point's `averaging`. */
    pollMs: z.int().min(50).max(500).optional(),
    /** How long a reply may take; the next device of the bus waits that long for a dead one. */
    timeoutMs: Ms.max(60_000).default(400),
    /** Registers between points that are read along; left out, what the template says. */
    gapWordsMax: z.int().min(0).max(124).optional(),
    /** `name@version#hash`, for the batch's meta; filled in from `templateFile`. */
    template: z.string().max(80).optional(),
    /** How the model wants to be asked; filled in from `templateFile`. */
    protocol: DeviceProtocol.prefault({}),
    /** At most 500: a frame of them fits into a batch whatever its names and values. */
    points: z.array(PointConfig).min(1).max(500),
  })
  .superRefine((device, ctx) => {
    for (const { path, message } of deviceFaults(device.points, device.protocol)) {
      ctx.addIssue({ code: 'custom', path: [...path], message });
    }
  });
export type DeviceConfig = z.infer<typeof DeviceConfig>;

const devices = z.array(DeviceConfig).min(1);

/** One physical medium. It carries one transaction at a time, unless a TCP device allows more. */
const BusConfig = z.discriminatedUnion('transport', [
  z.strictObject({ ...BUS_SHAPES.tcp, devices }),
  z.strictObject({ ...BUS_SHAPES['rtu-over-tcp'], devices }),
  z.strictObject({ ...BUS_SHAPES.rtu, devices }),
]);
export type BusConfig = z.infer<typeof BusConfig>;

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

/** Modes of a template by the transport of a bus. */
const MODE_OF = { tcp: 'mbap', rtu: 'rtu', 'rtu-over-tcp': 'rtu-over-tcp' } as const;

/** All names of templates stand in the header of each batch. */
const TEMPLATE_NAMES_LENGTH_MAX = 2_000;

/** Every setting of a gateway process: one file, checked at once. */
export const GatewayConfig = z
  .strictObject({
    gateway: GatewayId,
    region: RegionCode,
    logLevel: z.enum(['debug', 'info', 'warn', 'error', 'silent']).default('info'),
    mqtt: MqttConfig,
    /** The hub's raw Ed25519 key in base64. An ack or command that it did not sign does nothing. */
    hubPublicKey: z.string().length(44, 'expected 32 bytes in base64, 44 characters'),
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
    }),
    buses: z.array(BusConfig).min(1),
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
  })
  .superRefine((config, ctx) => {
    const refuse = (path: PropertyKey[], message: string): void =>
      ctx.addIssue({ code: 'custom', path, message });
    const seen = new Set<string>();
    const once = (key: string, path: PropertyKey[], what: string): void => {
      if (seen.has(key)) refuse(path, what);
      seen.add(key);
    };
    const templates = config.buses.flatMap(({ devices }) =>
      devices.flatMap(({ template }) => template ?? []),
    );
    if ([...new Set(templates)].join().length > TEMPLATE_NAMES_LENGTH_MAX) {
      refuse(['buses'], `more than ${TEMPLATE_NAMES_LENGTH_MAX} characters of template names`);
    }
    for (const [b, bus] of config.buses.entries()) {
      once(`bus ${bus.id}`, ['buses', b, 'id'], 'is used twice');
      const [key, medium] =
        bus.transport === 'rtu' ? ['path', 'serial port'] : ['port', 'host and port'];
      const isOneBus = `one ${medium} is one bus: put its devices together`;
      once(mediumOf(bus), ['buses', b, key], isOneBus);
      for (const fault of budgetFaults(bus)) refuse(['buses', b, 'devices'], fault);
      for (const [d, device] of bus.devices.entries()) {
        const path = ['buses', b, 'devices', d, 'device'];
        const { modes } = device.protocol;
        if (modes !== undefined && !modes.includes(MODE_OF[bus.transport])) {
          const known = `${device.template ?? 'its protocol'} knows ${modes.join(', ')}`;
          refuse(['buses', b, 'devices', d], `${known}, not ${bus.transport}`);
        }
        once(`device ${device.device}`, path, 'is used twice');
      }
    }
  });
export type GatewayConfig = z.infer<typeof GatewayConfig>;
/** The settings as they are written, with defaults left out. */
export type GatewayConfigInput = z.input<typeof GatewayConfig>;

/**
 * Reads `gateway.yaml`. A device names its points inline or by `templateFile`; files are looked up
 * beside the config. Throws `ConfigError` with every fault.
 */
export function readGatewayConfig(file: string): GatewayConfig {
  const directory = dirname(resolve(file));
  const input = withTemplates(readYaml(file), file, directory);
  const parsed = GatewayConfig.safeParse(input);
  if (!parsed.success) throw new ConfigError(file, describeIssues(parsed.error, input));
  const { mqtt, keyFile, spoolFile } = parsed.data;
  const found = { ...mqtt };
  for (const name of ['caFile', 'certFile', 'clientKeyFile'] as const) {
    const path = mqtt[name];
    if (path !== undefined) found[name] = resolve(directory, path);
  }
  return {
    ...parsed.data,
    mqtt: found,
    keyFile: resolve(directory, keyFile),
    spoolFile: resolve(directory, spoolFile),
  };
}
