import { Registry } from 'prom-client';
import { expect, onTestFinished } from 'vitest';
import {
  connectSparkplugNode,
  type NodeMetric,
  type NodeReading,
  type SparkplugNode,
  type SparkplugNodeOptions,
} from '../../../simulators/sparkplug-node.ts';
import type { SparkplugNode as RegisteredNode } from '../../../src/devices/sparkplug-nodes.ts';
import type { Ingest } from '../../../src/ingest/ingest.ts';
import { Device, Gateway } from '../../../src/model/facts.ts';
import type { TestDatabase } from '../../database/test-database.ts';
import { type Overrides, startTestIngest } from '../ingest-fixture.ts';

export const HOST = 'wugan-test';
export const T0 = Date.UTC(2026, 10, 24, 8);
export const WAIT = { timeout: 20_000, interval: 20 };

const profile = (metric: string) => ({
  ...{ metric, factor: 'noise', unit: 'dB(A)', range: [0, 200] },
});

/** An edge node of the registry: a noise meter behind device `a`, a thermometer of its own. */
export const registered = (edgeNode = 'edge-1'): RegisteredNode => ({
  gateway: Gateway.parse({
    ...{ id: `gw-${edgeNode}`, operator: 'test', region: '330106', publicKey: null },
    sparkplug: { group: 'Plant', edgeNode, clock: { source: 'ntp', errMs: 20 } },
  }),
  devices: [
    Device.parse({
      ...{
        id: `${edgeNode}-noise`,
        point: 'p',
        gateway: `gw-${edgeNode}`,
        model: 'm',
        serial: 's',
      },
      metrics: [profile('laeq'), profile('battery')],
      sparkplug: { device: 'a', metrics: { 'Noise/LAeq': 'laeq', Battery: 'battery' } },
    }),
    Device.parse({
      ...{ id: `${edgeNode}-box`, point: 'p', gateway: `gw-${edgeNode}`, model: 'm', serial: 's' },
      metrics: [profile('temp')],
      sparkplug: { metrics: { 'Box/Temp': 'temp' } },
    }),
  ],
});

export const PUBLISHERS: ReadonlyMap<string | null, readonly NodeMetric[]> = new Map([
  [null, [{ name: 'Box/Temp', alias: null, datatype: 'Int16' }]],
  [
    'a',
    [
      { name: 'Noise/LAeq', alias: 7, datatype: 'Float' },
      { name: 'Battery', alias: 8, datatype: 'UInt8' },
    ],
  ],
]);

export const laeq = (second: number, level: number, more: Partial<NodeReading> = {}) => ({
  ...{ name: 'Noise/LAeq', timestampMs: T0 + second * 1_000 },
  value: { kind: 'float' as const, value: level },
  ...more,
});

/** An edge node's session on this broker. */
export async function edgeNode(
  mqttUrl: string,
  options: Partial<SparkplugNodeOptions> = {},
): Promise<SparkplugNode> {
  const node = await connectSparkplugNode({
    ...{ mqttUrl, clientId: `node-${options.edgeNode ?? 'edge-1'}`, group: 'Plant' },
    ...{ edgeNode: 'edge-1', publishers: PUBLISHERS, primaryHost: null, bdSeq: 0, now: Date.now },
    ...options,
  });
  onTestFinished(async () => node.die());
  return node;
}

export interface SparkplugIngest {
  readonly ingest: Ingest;
  readonly registry: Registry;
  /** The registry of edge nodes; may be changed. */
  readonly nodes: Map<string, RegisteredNode>;
  /** `{outcome}` → messages. */
  outcomes(): Promise<Record<string, number>>;
  /** `{status}` → edge nodes. */
  statuses(): Promise<Record<string, number>>;
  rebirths(): Promise<number>;
  /** Ends when the host application is online. */
  online(): Promise<void>;
}

type SparkplugSettings = Readonly<Record<string, unknown>>;

/** Ingest with a host application on this broker; null: on its own. */
export async function sparkplugIngest(
  database: Pick<TestDatabase, 'db' | 'pool'>,
  mqttUrl: string | null,
  sparkplug: SparkplugSettings = {},
  { settings, deps, gateways = [] }: Overrides = {},
): Promise<SparkplugIngest> {
  const registry = new Registry();
  const nodes = new Map([['Plant/edge-1', registered()]]);
  const ingest = await startTestIngest(database, {
    gateways,
    settings: {
      ...(mqttUrl === null
        ? {}
        : { mqtt: { url: mqttUrl, reconnectMsMin: 10, reconnectMsMax: 100 } }),
      sparkplug: {
        ...{ hostId: HOST, reorderTimeoutMs: 300, rebirthIntervalMs: 300, heldMsMax: 20_000 },
        ...sparkplug,
      },
      ...(settings as object),
    },
    deps: {
      metrics: registry,
      sparkplugNode: (group, name) => nodes.get(`${group}/${name}`),
      ...deps,
    },
  });
  onTestFinished(() => ingest.close());
  const values = async (name: string, label: string): Promise<Record<string, number>> => {
    const metric = await registry.getSingleMetric(name)?.get();
    return Object.fromEntries(
      (metric?.values ?? [])
        .filter(({ value }) => value > 0)
        .map(({ labels, value }) => [String(labels[label]), value]),
    );
  };
  const single = async (name: string): Promise<number> =>
    (await registry.getSingleMetric(name)?.get())?.values[0]?.value ?? 0;
  return {
    ...{ ingest, registry, nodes },
    outcomes: () => values('wugan_sparkplug_messages_total', 'outcome'),
    statuses: () => values('wugan_sparkplug_edge_nodes', 'status'),
    rebirths: () => single('wugan_sparkplug_rebirths_total'),
    online: () => expect.poll(() => single('wugan_sparkplug_connected'), WAIT).toBe(1),
  };
}
