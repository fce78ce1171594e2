import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import mqtt, { type MqttClient } from 'mqtt';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { createTestDatabase, type TestDatabase, watch } from '../database/test-database.ts';
import { requireDebianPackage } from '../debian-packages.ts';
import { freePort } from '../free-port.ts';

/** No Docker engine: what the containers are given runs on the same programs of the machine. */
describe('the broker that deploy/mosquitto makes', () => {
  const root = mkdtempSync(join(tmpdir(), 'wugan-mosquitto-'));
  const clients: MqttClient[] = [];
  let port: number;
  let broker: ChildProcess;

  beforeAll(async () => {
    await requireDebianPackage('mosquitto', 'mosquitto');
    port = await freePort();
    // It runs as another user when the tests run as root.
    chmodSync(root, 0o755);
    cpSync('deploy/mosquitto', join(root, 'config'), { recursive: true });
    mkdirSync(join(root, 'data'), { mode: 0o755 });
    const conf = readFileSync('deploy/mosquitto/mosquitto.conf', 'utf8');
    expect(conf).toContain('\nlistener 1883\n');
    writeFileSync(
      join(root, 'config/mosquitto.conf'),
      conf
        .replaceAll('/mosquitto/', `${root}/`)
        .replace('\nlistener 1883\n', `\nlistener ${port} 127.0.0.1\n`),
    );
    broker = spawn('sh', [join(root, 'config/start.sh')], {
      stdio: 'ignore',
      env: {
        PATH: '/usr/sbin:/usr/bin:/sbin:/bin',
        MOSQUITTO_ROOT: root,
        MQTT_HUB_PASSWORD: 'hub-secret',
        MQTT_GATEWAY_ID: 'gw-1',
        MQTT_GATEWAY_PASSWORD: 'gw-secret',
      },
    });
    watch(broker.pid as number, root);
    await vi.waitFor(() => connect('wugan-hub', 'hub-secret'), { timeout: 20_000, interval: 100 });
  });
  afterAll(async () => {
    await Promise.all(clients.map((client) => client.endAsync(true)));
    const exited = once(broker, 'exit');
    broker.kill('SIGKILL');
    await exited;
    rmSync(root, { recursive: true, force: true });
  });

  async function connect(username?: string, password?: string): Promise<MqttClient> {
    const client = await mqtt.connectAsync(`mqtt://127.0.0.1:${port}`, {
      ...(username === undefined ? {} : { username, password: password as string }),
      reconnectPeriod: 0,
      protocolVersion: 4,
      connectTimeout: 5_000,
    });
    clients.push(client);
    return client;
  }

  it('takes nobody without a password, or with a wrong one', async () => {
    await expect(connect()).rejects.toThrow(/Not authorized/i);
    await expect(connect('gw-1', 'wrong')).rejects.toThrow(/Not authorized/i);
  });

  it('lets a gateway speak under its own name alone, and the hub answer it', async () => {
    const [hub, gateway] = await Promise.all([
      connect('wugan-hub', 'hub-secret'),
      connect('gw-1', 'gw-secret'),
    ]);
    const heard: string[] = [];
    const answers: string[] = [];
    hub.on('message', (topic) => heard.push(topic));
    gateway.on('message', (topic) => answers.push(topic));
    await hub.subscribeAsync('wugan/v1/+/+/+', { qos: 1 });
    await gateway.subscribeAsync('wugan/v1/330106/gw-1/ack', { qos: 1 });
    const say = (client: MqttClient, topic: string) =>
      client.publishAsync(`wugan/v1/330106/${topic}`, 'x', { qos: 1 });
    for (const topic of ['gw-2/live', 'gw-1/command']) {
      const intruder = await connect('gw-1', 'gw-secret');
      // Some versions acknowledge and drop, some close the connection.
      const closed = new Promise<void>((resolve) => intruder.once('close', () => resolve()));
      await Promise.race([say(intruder, topic).catch(() => undefined), closed]);
    }
    for (const channel of ['live', 'backfill', 'gap', 'seal', 'status']) {
      await say(gateway, `gw-1/${channel}`);
    }
    await say(hub, 'gw-1/ack');
    await expect.poll(() => answers, { timeout: 10_000 }).toEqual(['wugan/v1/330106/gw-1/ack']);
    await expect
      .poll(() => heard.filter((topic) => !topic.endsWith('/ack')), { timeout: 10_000 })
      .toEqual(
        ['live', 'backfill', 'gap', 'seal', 'status'].map((name) => `wugan/v1/330106/gw-1/${name}`),
      );
  });

  it('tells the hub that it lives: the health check asks for it', async () => {
    const hub = await connect('wugan-hub', 'hub-secret');
    const heard: string[] = [];
    hub.on('message', (topic) => heard.push(topic));
    await hub.subscribeAsync('$SYS/broker/uptime');
    await expect.poll(() => heard[0], { timeout: 20_000 }).toBe('$SYS/broker/uptime');
  });
});

describe('the role that deploy/postgres makes', () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await createTestDatabase();
  });
  afterAll(() => database.close());

  it('reads everything and writes nothing', async () => {
    const psql = await requireDebianPackage('postgresql-client', 'psql');
    const name = `grafana_${process.pid}`;
    const ran = spawnSync(
      psql,
      ['-v', 'ON_ERROR_STOP=1', '-f', 'deploy/postgres/10-grafana.sql', database.url],
      {
        encoding: 'utf8',
        env: {
          PATH: process.env['PATH'],
          GRAFANA_POSTGRES_USER: name,
          GRAFANA_POSTGRES_PASSWORD: "it's secret",
        },
      },
    );
    expect(ran.stderr).toBe('');
    const url = new URL(database.url);
    url.username = name;
    url.password = "it's secret";
    const client = new pg.Client({ connectionString: url.href });
    await client.connect();
    try {
      await client.query('select count(*) from enforcement.clue');
      await expect(client.query('delete from enforcement.clue')).rejects.toThrow(
        /read-only transaction|permission denied/,
      );
      await client.query('set default_transaction_read_only = off');
      await expect(client.query('delete from enforcement.clue')).rejects.toThrow(
        'permission denied',
      );
    } finally {
      await client.end();
      await database.pool.query(`drop role ${name}`);
    }
  });
});
