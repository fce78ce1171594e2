import { dirname, resolve } from 'node:path';
import { z } from 'zod';
import { alertSettings } from '../alerts/settings.ts';
import { influxSettings } from '../ingest/influx/settings.ts';
import { ingestSettings } from '../ingest/settings.ts';
import {
  ConfigError,
  describeIssues,
  readYaml,
  type Variable,
  withVariables,
} from '../process/config-file.ts';
import { DetectorSettings } from '../thresholds/detectors/settings.ts';
import { DEFAULT_ENGINE_SETTINGS } from '../thresholds/engine-settings.ts';
import { isWhole, ROLES, Roles } from './roles.ts';

const Wait = z.int().min(0);

/** Waiting times and bounds of the threshold engine; results don't depend on them. */
const engineSettings = z.strictObject({
  graceMs: Wait.default(DEFAULT_ENGINE_SETTINGS.graceMs),
  horizonMs: Wait.default(DEFAULT_ENGINE_SETTINGS.horizonMs),
  lateQuietMs: Wait.default(DEFAULT_ENGINE_SETTINGS.lateQuietMs),
  revisionIntervalMs: Wait.default(DEFAULT_ENGINE_SETTINGS.revisionIntervalMs),
  incompleteAfterMs: Wait.default(DEFAULT_ENGINE_SETTINGS.incompleteAfterMs),
  aheadMsMax: Wait.default(DEFAULT_ENGINE_SETTINGS.aheadMsMax),
  ageMsMax: Wait.default(DEFAULT_ENGINE_SETTINGS.ageMsMax),
  channelsMax: z.int().min(1).default(DEFAULT_ENGINE_SETTINGS.channelsMax),
  gatewayChannelsMax: z.int().min(1).default(DEFAULT_ENGINE_SETTINGS.gatewayChannelsMax),
  detectors: DetectorSettings.prefault({}),
});

const Port = z.int().min(0).max(65_535);

/**
 * Every setting of the hub. One file, checked at once; secrets may stand in files of their own.
 * `DATABASE_URL` overrides `database.url`, `MQTT_URL` `ingest.mqtt.url`, `REDIS_URL` `redis.url`,
 * `INFLUX_URL`, `_TOKEN`, `_ORG`, `_BUCKET` those of `influx`, `WUGAN_ROLES` (commas between) `roles`.
 */
const settings = z.strictObject({
  /** Where the embedded database and the hub's key live. */
  dataDir: z.string().min(1).default('.wugan/hub'),
  logLevel: z.enum(['debug', 'info', 'warn', 'error', 'silent']).default('info'),
  /** What this process does of the hub's work; by default all of it. */
  roles: Roles.default([...ROLES]),
  database: z
    .strictObject({
      /** An own PostgreSQL 15 or later; absent: the embedded one. */
      url: z.string().startsWith('postgres').optional(),
      /** Port of the embedded server on 127.0.0.1. */
      port: Port.default(54_321),
      connectionsMax: z.int().min(4).max(100).default(12),
    })
    .prefault({}),
  http: z
    .strictObject({
      host: z.string().default('127.0.0.1'),
      port: Port.default(8_080),
      /** File with the token that lets operators change things; absent: nobody may. */
      operatorTokenFile: z.string().min(1).optional(),
    })
    .prefault({}),
  /** The registry file, imported as facts at each start. */
  registry: z.string().min(1),
  ingest: ingestSettings.prefault({}),
  redis: z
    .strictObject({
      /** Keeps the queue of pushes; absent: it is in the database. One Redis database per hub. */
      url: z.url({ protocol: /^rediss?$/ }).optional(),
    })
    .prefault({}),
  /** A second home for readings, minute cells and results; without an address there is none. */
  influx: influxSettings.prefault({}),
  engine: engineSettings.prefault({}),
  alerts: alertSettings,
  /** Test hook: the process kills itself with SIGKILL when it reaches the fault point of this name. */
  faultPoint: z.string().optional(),
});
export const HubConfig = settings.refine(
  ({ roles, database }) => isWhole(roles) || database.url !== undefined,
  {
    path: ['roles'],
    error: 'some roles only: needs the PostgreSQL of database.url (DATABASE_URL)',
  },
);
export type HubConfig = z.infer<typeof HubConfig>;

/**
 * Reads `hub.yaml` and what the environment and then the command line override; paths are relative to the file. Throws `ConfigError` with
 * every fault.
 */
export function readHubConfig(
  file: string,
  environment: Readonly<Record<string, string | undefined>> = process.env,
  options: { readonly roles?: string | undefined } = {},
): HubConfig {
  const variables = { ...environment, WUGAN_ROLES: options.roles ?? environment['WUGAN_ROLES'] };
  const input = withVariables(readYaml(file), VARIABLES, variables);
  const parsed = HubConfig.safeParse(input);
  if (!parsed.success) throw new ConfigError(file, describeIssues(parsed.error, input));
  const directory = dirname(resolve(file));
  return FILES.reduce<unknown>(
    (config, path) => resolved(config, path, directory),
    parsed.data,
  ) as HubConfig;
}

/** Each item of a list. */
const EACH = '*';

/** Settings that name files and folders: relative ones start at the settings file. */
const FILES: readonly (readonly string[])[] = [
  ['dataDir'],
  ['registry'],
  ['http', 'operatorTokenFile'],
  ['alerts', 'platform', 'secretKeyFile'],
  ['ingest', 'mqtt', 'caFile'],
  ['ingest', 'mqtt', 'certFile'],
  ['ingest', 'mqtt', 'clientKeyFile'],
  ['ingest', 'mqtt', 'passwordFile'],
  ['ingest', 'hj212', 'keys', EACH, 'file'],
  ['ingest', 'broker', 'passwordsFile'],
  ['ingest', 'broker', 'tls', 'certFile'],
  ['ingest', 'broker', 'tls', 'keyFile'],
  ['ingest', 'broker', 'tls', 'clientCaFile'],
];

/** The node with the text at the path made absolute; as it was when nothing stands there. */
function resolved(node: unknown, path: readonly string[], directory: string): unknown {
  if (node === undefined) return undefined;
  const [name, ...rest] = path;
  if (name === undefined) return resolve(directory, node as string);
  if (name === EACH) return (node as unknown[]).map((item) => resolved(item, rest, directory));
  const members = node as Readonly<Record<string, unknown>>;
  const member = resolved(members[name], rest, directory);
  return member === undefined ? node : { ...members, [name]: member };
}

/** Settings that a variable overrides, by path. */
const VARIABLES: readonly Variable[] = [
  ['WUGAN_ROLES', 'roles'],
  ['DATABASE_URL', 'database', 'url'],
  ['MQTT_URL', 'ingest', 'mqtt', 'url'],
  ['REDIS_URL', 'redis', 'url'],
  ['INFLUX_URL', 'influx', 'url'],
  ['INFLUX_TOKEN', 'influx', 'token'],
  ['INFLUX_ORG', 'influx', 'org'],
  ['INFLUX_BUCKET', 'influx', 'bucket'],
  ['PLATFORM_URL', 'alerts', 'platform', 'url'],
  ['PLATFORM_ACCESS_KEY', 'alerts', 'platform', 'accessKey'],
  ['PLATFORM_SECRET_KEY', 'alerts', 'platform', 'secretKey'],
  ['WUGAN_FAULT_POINT', 'faultPoint'],
];
