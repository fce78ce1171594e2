import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import mqttPacket, { type Packet } from 'mqtt-packet';
import { Registry } from 'prom-client';
import { onTestFinished } from 'vitest';
import { mqttSettings } from '../../../src/ingest/external/mqtt-settings.ts';
import { createSparkplugHost, type SparkplugHost } from '../../../src/ingest/sparkplug/host.ts';
import { openHostLink } from '../../../src/ingest/sparkplug/host-link.ts';
import { createSparkplugMetrics } from '../../../src/ingest/sparkplug/metrics.ts';
import {
  type SparkplugSettings,
  sparkplugSettings,
} from '../../../src/ingest/sparkplug/settings.ts';
import { silentLog } from '../../database/test-database.ts';
import { HOST, registered } from './sparkplug-fixture.ts';

/** A broker that grants everything and keeps each packet as it came, in order. */
export interface PacketBroker {
  readonly url: string;
  /** Of all connections, oldest first. */
  packets(): Packet[];
  send(topic: string, payload: string | Uint8Array): void;
  drop(): void;
}

export async function startPacketBroker(protocolVersion: 4 | 5): Promise<PacketBroker> {
  const packets: Packet[] = [];
  let socket: Socket | undefined;
  const server = createServer((opened) => {
    socket = opened;
    const parser = mqttPacket.parser({ protocolVersion });
    const answer = (packet: Packet): void => {
      opened.write(mqttPacket.generate(packet, { protocolVersion }));
    };
    parser.on('packet', (packet) => {
      packets.push(packet);
      const { messageId } = packet;
      if (packet.cmd === 'connect') {
        answer({ cmd: 'connack', returnCode: 0, reasonCode: 0, sessionPresent: false });
      } else if (packet.cmd === 'subscribe') {
        const granted = packet.subscriptions.map(() => 1);
        answer({ cmd: 'suback', messageId: messageId as number, granted } as Packet);
      } else if (packet.cmd === 'publish' && packet.qos === 1) {
        answer({ cmd: 'puback', messageId: messageId as number } as Packet);
      }
    });
    opened.on('data', (bytes) => parser.parse(bytes as Buffer));
    opened.on('error', () => undefined);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    socket?.destroy();
    server.close();
  });
  return {
    url: `mqtt://127.0.0.1:${(server.address() as AddressInfo).port}`,
    packets: () => packets,
    send(topic, payload) {
      const packet: Packet = {
        ...{ cmd: 'publish', topic, payload: Buffer.from(payload), qos: 0 },
        ...{ dup: false, retain: false },
      };
      socket?.write(mqttPacket.generate(packet, { protocolVersion }));
    },
    drop: () => socket?.destroy(),
  };
}

/** The host application alone, without a journal behind it. */
export function hostOn(
  url: string,
  {
    version = '3.1.1' as '3.1.1' | '5',
    now = Date.now,
    settings = {} as Partial<SparkplugSettings>,
  } = {},
): SparkplugHost {
  const host = createSparkplugHost(sparkplugSettings.parse({ hostId: HOST, ...settings }), {
    openLink: (events) =>
      openHostLink({
        mqtt: { ...mqttSettings.parse({ version, reconnectMsMin: 5, reconnectMsMax: 20 }), url },
        ...{ hostId: HOST, groups: settings.groups ?? [], now, log: silentLog },
        ...events,
      }),
    node: (group, edgeNode) =>
      group === 'Plant' && edgeNode === 'edge-1' ? registered() : undefined,
    sink: {
      submit: ({ done }) => done('stored'),
      putAside: ({ done }) => done(true),
    },
    storingTroubleSinceMs: () => null,
    metrics: createSparkplugMetrics(new Registry()),
    now,
    log: silentLog,
  });
  onTestFinished(() => host.close());
  return host;
}
