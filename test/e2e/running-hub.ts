import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import mqtt, { type MqttClient } from 'mqtt';
import type { Load } from '../../simulators/fleet-member.ts';
import { HubConfig } from '../../src/hub/config.ts';
import { type Hub, startHub } from '../../src/hub/hub.ts';
import { createTestDatabase, silentLog, type TestDatabase } from '../database/test-database.ts';
import { hubSettings } from './hub-files.ts';

/** Nothing listens there: what is pushed waits in the outbox. */
const NO_PLATFORM = 'http://127.0.0.1:9';

export interface RunningHub {
  readonly hub: Hub;
  readonly database: TestDatabase;
  /** Hub time; the test moves it. */
  nowMs: number;
  /** Publishes and waits for the PUBACK. */
  publish(gateway: string, topic: string, payload: string | Buffer): Promise<void>;
  close(): Promise<void>;
}

/** A hub in this process, on its own database, whose clock the test holds. */
export async function startRunningHub(options: {
  readonly nowMs: number;
  readonly gateways: number;
  readonly load: Load;
  readonly database?: TestDatabase;
  /** Further settings, by section. */
  readonly settings?: Readonly<Record<string, unknown>>;
}): Promise<RunningHub> {
  const database = options.database ?? (await createTestDatabase());
  const dataDir = mkdtempSync(join(tmpdir(), 'wugan-hub-'));
  const settings = hubSettings({
    dataDir,
    databaseUrl: database.url,
    platformUrl: NO_PLATFORM,
    mqttPort: 0,
    gateways: options.gateways,
    load: options.load,
  });
  const config = HubConfig.parse({
    ...settings,
    ...options.settings,
    ingest: { ...(settings['ingest'] as object), tickIntervalMs: 100 },
  });
  const time = { nowMs: options.nowMs };
  const hub = await startHub(config, {
    log: silentLog,
    now: () => time.nowMs,
    onFatal: (reason) => {
      throw new Error(reason);
    },
  });
  const clients = new Map<string, MqttClient>();
  const clientOf = async (gateway: string): Promise<MqttClient> => {
    const known = clients.get(gateway);
    if (known !== undefined) return known;
    const client = await mqtt.connectAsync(`mqtt://127.0.0.1:${hub.mqttPort}`, {
      clientId: gateway,
      reconnectPeriod: 0,
    });
    clients.set(gateway, client);
    return client;
  };
  return {
    hub,
    database,
    get nowMs() {
      return time.nowMs;
    },
    set nowMs(value) {
      time.nowMs = value;
    },
    async publish(gateway, topic, payload) {
      await (await clientOf(gateway)).publishAsync(topic, payload, { qos: 1 });
    },
    async close() {
      await Promise.all([...clients.values()].map((client) => client.endAsync(true)));
      await hub.close(10_000);
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}
