import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { connect as connectSocket } from 'node:net';
import { join } from 'node:path';
import { connectAsync } from 'mqtt';
import { onTestFinished, vi } from 'vitest';
import { requireDebianPackage } from '../debian-packages.ts';
import { freePort } from '../free-port.ts';
import type { Certificates } from './certificates.ts';
import { createHubStore, GATEWAY, type HubStore, REGION } from './hub-store.ts';

export interface Mosquitto {
  readonly plainPort: number;
  readonly tlsPort: number;
  stop(): Promise<void>;
  start(): Promise<void>;
}

/** Debian's broker: one plain listener, one that wants a client certificate. */
export async function startMosquitto(
  folder: string,
  { ca, server }: Certificates,
): Promise<Mosquitto> {
  const binary = await requireDebianPackage('mosquitto', 'mosquitto');
  const plainPort = await freePort();
  const tlsPort = await freePort();
  const file = join(folder, 'mosquitto.conf');
  const lines = [
    'per_listener_settings true',
    'max_inflight_messages 20',
    `listener ${plainPort} 127.0.0.1`,
    'allow_anonymous true',
    `listener ${tlsPort} 127.0.0.1`,
    'allow_anonymous false',
    `cafile ${ca}`,
    `certfile ${server.cert}`,
    `keyfile ${server.key}`,
    'require_certificate true',
    'use_identity_as_username true',
    'tls_version tlsv1.2',
  ];
  writeFileSync(file, `${lines.join('\n')}\n`);
  let child: ChildProcess | undefined;

  async function start(): Promise<void> {
    // As root it would change to a user that can't read the test's folder.
    writeFileSync(file, `user root\n${lines.join('\n')}\n`);
    child = spawn(binary, ['-c', file], { stdio: 'ignore' });
    await vi.waitFor(() => canConnect(plainPort), { timeout: 30_000, interval: 20 });
  }

  async function stop(): Promise<void> {
    if (child === undefined) return;
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
    child = undefined;
  }

  await start();
  onTestFinished(stop);
  return { plainPort, tlsPort, start, stop };
}

async function canConnect(port: number): Promise<void> {
  const socket = connectSocket(port, '127.0.0.1');
  await once(socket, 'connect');
  socket.destroy();
}

/** A hub that is a client of the broker, and acknowledges what it has. */
export async function startHubClient(port: number): Promise<HubStore> {
  const store = createHubStore();
  const client = await connectAsync(`mqtt://127.0.0.1:${port}`, { protocolVersion: 5 });
  onTestFinished(() => client.endAsync(true));
  const topic = (channel: string): string => `wugan/v1/${REGION}/${GATEWAY}/${channel}`;
  let timer: NodeJS.Timeout | undefined;
  onTestFinished(() => clearTimeout(timer));
  client.on('message', (name, payload) => {
    if (!store.take(name.split('/')[4] ?? '', payload)) return;
    timer ??= setTimeout(() => {
      timer = undefined;
      client.publish(topic('ack'), store.ack(), { qos: 1, retain: true });
    }, 20);
  });
  await client.subscribeAsync(['live', 'backfill', 'gap', 'seal'].map(topic), { qos: 1 });
  return store;
}
