import { existsSync, readFileSync, statSync } from 'node:fs';
import { Ajv2019 } from 'ajv/dist/2019.js';
import addFormats from 'ajv-formats';
import { beforeAll, describe, expect, it } from 'vitest';
import packageJson from '../../package.json' with { type: 'json' };
import { readRegistryFile } from '../../src/devices/registry-file.ts';
import { readGatewayConfig } from '../../src/gateway/config.ts';
import { readHubConfig } from '../../src/hub/config.ts';
import { knownLimits } from '../../src/hub/known-limits.ts';
import { dashboards } from '../grafana/dashboards.ts';
import {
  type ComposeFile,
  composeFile,
  composeText,
  envExample,
  filledEnv,
  resolvedBy,
  specificationSchema,
  variablesOf,
} from './compose-file.ts';

const written = composeFile();
const services = Object.entries(written.services);
const variables = variablesOf(composeText());
let resolved: ComposeFile;

beforeAll(async () => {
  const answer = await resolvedBy(filledEnv());
  if ('error' in answer) throw new Error(answer.error);
  expect(answer.warnings).toBe('');
  resolved = answer.file;
});

const environmentOf = (service: string): Readonly<Record<string, string>> =>
  resolved.services[service]?.environment ?? {};

/** `source:target` of a mount that names a path of the host. */
const hostPaths = (volumes: readonly string[] = []): string[] =>
  volumes.flatMap((volume) => (volume.startsWith('.') ? [volume.split(':')[0] as string] : []));

describe('docker-compose.yml', () => {
  it('is a file of the Compose Specification', async () => {
    const ajv = new Ajv2019({ strict: false, allErrors: true });
    addFormats.default(ajv);
    for (const format of ['ports', 'expose', 'subnet_ip_address', 'duration']) {
      ajv.addFormat(format, true);
    }
    const validate = ajv.compile(await specificationSchema());
    validate(written);
    expect(validate.errors).toBeNull();
    // The schema does look: a misspelt member is a fault.
    expect(validate({ ...written, services: { hub: { imagee: 'x' } } })).toBe(false);
  });

  it('has all that the parts of wugan can use, and a gateway that starts only when asked for', () => {
    expect(services.map(([name]) => name).sort()).toEqual([
      ...['broker', 'gateway', 'grafana', 'hub', 'influxdb', 'postgres', 'redis'],
    ]);
    expect(services.flatMap(([name, { profiles }]) => (profiles ? [name] : []))).toEqual([
      'gateway',
    ]);
  });

  it('pins every image to a whole version', () => {
    for (const [name, { image }] of Object.entries(resolved.services)) {
      expect(image, name).toMatch(/^[a-z/-]+:\d+\.\d+(\.\d+)?$/);
    }
  });

  it('checks the health of every service, starts it again, and keeps its data', () => {
    for (const [name, { healthcheck, restart, volumes }] of services) {
      expect(healthcheck?.test.length, name).toBeGreaterThan(1);
      expect(restart, name).toBe('unless-stopped');
      expect(
        volumes?.some((volume) => /^[a-z-]+:/.test(volume)),
        name,
      ).toBe(true);
    }
    const used = services.flatMap(([, { volumes = [] }]) =>
      volumes.flatMap((volume) => /^([a-z][a-z-]*):/.exec(volume)?.[1] ?? []),
    );
    expect([...used].sort()).toEqual(Object.keys(written.volumes).sort());
  });

  it('makes the hub wait for nothing but its database', () => {
    expect(written.services['hub']?.depends_on).toEqual({
      postgres: { condition: 'service_healthy' },
    });
  });

  it('opens nothing to the network unless told to', () => {
    for (const [name, { ports = [] }] of Object.entries(resolved.services)) {
      for (const port of ports) expect(port, name).toMatch(/^127\.0\.0\.1:\d+:\d+\/tcp$/);
    }
  });

  it('mounts only what is there', () => {
    for (const [name, { volumes, build }] of services) {
      for (const path of hostPaths(volumes)) expect(existsSync(path), `${name} ${path}`).toBe(true);
      if (build !== undefined) expect(existsSync(`${build.context}/Dockerfile`)).toBe(true);
    }
    expect(services.flatMap(([, { volumes }]) => hostPaths(volumes))).toContain('./deploy/config');
  });
});

describe('the variables', () => {
  it('stand in .env.example, and nothing else does', () => {
    const names = new Set(variables.map(({ name }) => name));
    expect([...envExample().keys()].sort()).toEqual([...names].sort());
  });

  it('have the defaults that .env.example shows', () => {
    for (const { name, fallback } of variables) {
      if (fallback === null || fallback === '') continue;
      expect(envExample().get(name), name).toBe(fallback);
    }
  });

  it('hold no secret, and none may be left out', async () => {
    const isSecret = (name: string): boolean => /PASSWORD|TOKEN|SECRET/.test(name);
    const required = new Set(variables.flatMap((each) => (each.isRequired ? [each.name] : [])));
    for (const [name, value] of envExample()) if (isSecret(name)) expect(value, name).toBe('');
    // The gateway's own are needed only where there is one.
    for (const { name } of variables) {
      if (isSecret(name) && !name.startsWith('MQTT_GATEWAY')) expect(required).toContain(name);
    }
    expect(required.size).toBeGreaterThan(8);
    for (const name of required) {
      const values = filledEnv();
      values.set(name, '');
      const answer = await resolvedBy(values);
      expect('error' in answer && answer.error, name).toContain('set it in .env');
    }
  });

  it('reach a service only as an address or a value that it reads', () => {
    for (const [name, { environment = {} }] of services) {
      for (const [key, value] of Object.entries(environment)) {
        for (const secret of ['s3cret', 'changeme', 'admin123', 'password']) {
          expect(value.toLowerCase().includes(secret), `${name} ${key}`).toBe(
            secret === 'password' && value.includes('_PASSWORD'),
          );
        }
      }
    }
  });
});

describe('the settings', () => {
  it('of the hub are whole with the environment that it is given', () => {
    const config = readHubConfig('deploy/config/hub.yaml', environmentOf('hub'));
    const { database, redis, influx, ingest, alerts, http } = config;
    expect(new URL(database.url ?? '').host).toBe('postgres:5432');
    expect(new URL(redis.url ?? '').host).toBe('redis:6379');
    expect(new URL(ingest.mqtt.url ?? '').host).toBe('broker:1883');
    expect(influx).toMatchObject({ url: 'http://influxdb:8086', bucket: 'wugan', org: 'wugan' });
    expect(influx.token).toBe(environmentOf('grafana')['INFLUX_TOKEN']);
    expect(alerts.platform.url).toBe('https://platform.example/api');
    expect(http).toMatchObject({ host: '0.0.0.0', port: 8080 });
    // Both are mounted where the file says.
    expect([config.registry, config.dataDir]).toEqual([
      '/etc/wugan/registry.yaml',
      '/var/lib/wugan',
    ]);
  });

  it('of the hub are not whole without it', () => {
    expect(() => readHubConfig('deploy/config/hub.yaml', {})).toThrow('alerts');
  });

  it('of the gateway fit the registry, the broker and the key of the hub', () => {
    const key = 'PUAXw+hDiVqStwqnTRt+vJyYLM8uxJaMwM1V8Sr0Zgw=';
    const environment = { ...environmentOf('gateway'), HUB_PUBLIC_KEY: key };
    const config = readGatewayConfig('deploy/config/gateway.yaml', environment);
    expect(config.mqtt).toMatchObject({
      url: 'mqtt://broker:1883',
      username: config.gateway,
      password: 's3cretmqttgatewaypassword',
    });
    expect(config.hubPublicKey).toBe(key);
    expect(config.gateway).toBe(envExample().get('MQTT_GATEWAY_ID'));
    const read = readRegistryFile('deploy/config/registry.yaml', {
      nowMs: Date.now(),
      limitSets: knownLimits(),
    });
    expect(read.ok ? '' : read.detail).toBe('');
    const entities = read.ok ? read.value.entities : [];
    const known = (kind: string) =>
      entities.flatMap(({ entity, id }) => (entity === kind ? [id] : []));
    expect(known('gateway')).toContain(config.gateway);
    for (const { devices } of config.buses) {
      for (const { device } of devices) expect(known('device')).toContain(device);
    }
  });

  it('of Grafana name every variable that its files need', () => {
    const files = ['datasources/wugan.yaml', 'dashboards/wugan.yaml'];
    const text = files.map((file) => readFileSync(`grafana/provisioning/${file}`, 'utf8')).join('');
    const needed = [...text.matchAll(/\$([A-Z_]+)/g)].map(([, name]) => name as string);
    expect(Object.keys(environmentOf('grafana'))).toEqual(expect.arrayContaining(needed));
    const mounted = hostPaths(written.services['grafana']?.volumes);
    expect(mounted).toEqual(['./grafana/provisioning', './grafana/dashboards']);
    expect(dashboards().length).toBe(2);
  });
});

describe('the Dockerfile', () => {
  const text = readFileSync('Dockerfile', 'utf8');

  it('runs on the Node that the tests run on', () => {
    const versions = [...text.matchAll(/^FROM node:(\S+)-bookworm-slim/gm)].map(([, v]) => v);
    expect(new Set(versions)).toEqual(new Set([packageJson.dependencies.node]));
  });

  it('copies what is there and what .dockerignore lets through', () => {
    const sources = [...text.matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap(([, paths]) =>
      (paths as string).split(' '),
    );
    const allowed = readFileSync('.dockerignore', 'utf8')
      .split('\n')
      .flatMap((line) => (line.startsWith('!') ? [line.slice(1)] : []));
    expect(new Set(sources)).toEqual(new Set(allowed));
    for (const source of sources) expect(statSync(source), source).toBeDefined();
  });

  it('does not run as root, and starts what compose starts', () => {
    expect(text).toMatch(/^USER node$/m);
    expect(text).toContain('ENTRYPOINT ["node", "/opt/wugan/bin/wugan.js"]');
    expect(existsSync('bin/wugan.js')).toBe(true);
  });
});
