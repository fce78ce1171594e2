import { generateKeyPairSync } from 'node:crypto';
import { Registry } from 'prom-client';
import { type Ingest, type IngestDeps, startIngest } from '../../src/ingest/ingest.ts';
import { ingestSettings } from '../../src/ingest/settings.ts';
import type { Gateway } from '../../src/model/facts.ts';
import { signingKeyFromPem } from '../../src/telemetry/signing.ts';
import { silentLog, type TestDatabase } from '../database/test-database.ts';
import { gatewayFact } from './gateway-client.ts';
import { sumEngineKit } from './sum-engine.ts';

export const HUB_KEY = signingKeyFromPem(
  generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
);

export interface Overrides {
  readonly settings?: Parameters<typeof ingestSettings.parse>[0];
  readonly deps?: Partial<IngestDeps>;
  readonly gateways?: readonly Gateway[];
}

/** Starts ingest on a test database, with the small engine and hooks that do nothing. */
export function startTestIngest(
  { db, pool }: Pick<TestDatabase, 'db' | 'pool'>,
  {
    settings = {},
    deps = {},
    gateways = [gatewayFact('gw-1'), gatewayFact('gw-2')],
  }: Overrides = {},
): Promise<Ingest> {
  const registered = new Map<string, Gateway>(gateways.map((gateway) => [gateway.id, gateway]));
  return startIngest(
    ingestSettings.parse({ port: 0, ackIntervalMs: 50, ...(settings as object) }),
    {
      db,
      pool,
      key: HUB_KEY,
      metrics: new Registry(),
      log: silentLog,
      gateway: (id) => registered.get(id),
      engine: sumEngineKit(),
      projectFact: async () => undefined,
      applyAlerts: async () => undefined,
      onCommitted: () => undefined,
      onFatal: () => undefined,
      faultPoint: () => undefined,
      ...deps,
    },
  );
}
