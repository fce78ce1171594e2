import { type ChildProcess, execFile, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect as connectSocket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { onTestFinished, vi } from 'vitest';
import { requireDebianPackage } from '../../debian-packages.ts';
import { freePort } from '../../free-port.ts';
import type { Certificates } from '../../gateway/certificates.ts';

export interface MosquittoOptions {
  /** Passwords by user name; absent: nobody is asked. */
  readonly passwords?: Readonly<Record<string, string>>;
  /** TLS that wants a client certificate, instead of plain TCP. */
  readonly certificates?: Certificates;
  /** Lines of access rules; absent: everybody may do everything. */
  readonly access?: readonly string[];
  /** More lines for its settings. */
  readonly lines?: readonly string[];
}

export interface Mosquitto {
  readonly port: number;
  readonly url: string;
  /** SIGTERM: what it holds is on its disk. SIGKILL: what it wrote before is. */
  stop(signal?: 'SIGTERM' | 'SIGKILL'): Promise<void>;
  start(): Promise<void>;
  /** Stopped without being told so: its sockets stand and say nothing. */
  pause(): void;
  resume(): void;
}

/** Debian's broker with persistence, in a folder that goes with the test. */
export async function startMosquitto(options: MosquittoOptions = {}): Promise<Mosquitto> {
  const binary = await requireDebianPackage('mosquitto', 'mosquitto');
  const folder = mkdtempSync(join(tmpdir(), 'wugan-mosquitto-'));
  const port = await freePort();
  const file = join(folder, 'mosquitto.conf');
  writeFileSync(file, settingsOf(folder, port, options).join('\n'));
  let child: ChildProcess | undefined;

  async function start(): Promise<void> {
    child = spawn(binary, ['-c', file], { stdio: 'ignore' });
    await vi.waitFor(() => canConnect(port), { timeout: 30_000, interval: 20 });
  }

  async function stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    const own = child;
    if (own === undefined) return;
    child = undefined;
    const exited = once(own, 'exit');
    own.kill(signal);
    await exited;
  }

  onTestFinished(async () => {
    await stop('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  });
  await start();
  const scheme = options.certificates === undefined ? 'mqtt' : 'mqtts';
  return {
    port,
    url: `${scheme}://127.0.0.1:${port}`,
    start,
    stop,
    pause: () => void child?.kill('SIGSTOP'),
    resume: () => void child?.kill('SIGCONT'),
  };
}

function settingsOf(folder: string, port: number, options: MosquittoOptions): string[] {
  const { passwords, certificates, access, lines = [] } = options;
  const settings = [
    // As root it would change to a user that can't read the test's folder.
    'user root',
    'persistence true',
    `persistence_location ${folder}/`,
    'max_queued_messages 0',
    ...lines,
    `listener ${port} 127.0.0.1`,
    `allow_anonymous ${passwords === undefined && certificates === undefined}`,
  ];
  if (passwords !== undefined) {
    const file = join(folder, 'passwords');
    writeFileSync(file, '');
    for (const [name, password] of Object.entries(passwords)) {
      execFileSync('mosquitto_passwd', ['-b', file, name, password], { stdio: 'ignore' });
    }
    settings.push(`password_file ${file}`);
  }
  if (access !== undefined) {
    const rules = join(folder, 'access');
    writeFileSync(rules, `${access.join('\n')}\n`);
    settings.push(`acl_file ${rules}`);
  }
  if (certificates !== undefined) {
    const { ca, server } = certificates;
    settings.push(`cafile ${ca}`, `certfile ${server.cert}`, `keyfile ${server.key}`);
    settings.push('require_certificate true', 'use_identity_as_username true');
  }
  return settings;
}

async function canConnect(port: number): Promise<void> {
  const socket = connectSocket(port, '127.0.0.1');
  await once(socket, 'connect');
  socket.destroy();
}

/** Publishes one message with Debian's own client; ends at the PUBACK. */
export async function mosquittoPub(
  port: number,
  {
    topic,
    payload,
    qos = 1,
    args = [],
  }: {
    readonly topic: string;
    readonly payload: string;
    readonly qos?: 0 | 1 | 2;
    readonly args?: readonly string[];
  },
): Promise<void> {
  const binary = await requireDebianPackage('mosquitto-clients', 'mosquitto_pub');
  const to = ['-h', '127.0.0.1', '-p', String(port), '-t', topic, '-q', String(qos)];
  await promisify(execFile)(binary, [...to, '-m', payload, ...args]);
}
