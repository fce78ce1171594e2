import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { watch } from '../database/test-database.ts';
import { requireDebianPackage } from '../debian-packages.ts';
import { freePort } from '../free-port.ts';

export interface RedisServer {
  readonly url: string;
  start(): Promise<void>;
  /** SIGKILL: what was not written to disk is gone, and nothing is. */
  kill(): Promise<void>;
  /** It neither answers nor breaks its connections. */
  stop(): void;
  resume(): void;
  /** One command of an own connection. */
  command(name: string, ...values: string[]): Promise<unknown>;
  close(): Promise<void>;
}

const ROOT = join(tmpdir(), `wugan-test-redis-${process.getuid?.() ?? 0}`);

/** Debian's Redis without persistence, not yet started. */
export async function createRedisServer(): Promise<RedisServer> {
  const binary = await requireDebianPackage('redis-server', 'redis-server');
  mkdirSync(ROOT, { recursive: true });
  const folder = mkdtempSync(join(ROOT, 'run-'));
  const port = await freePort();
  const url = `redis://127.0.0.1:${port}`;
  let child: ChildProcess | undefined;
  let watcher: ChildProcess | undefined;

  async function command(name: string, ...values: string[]): Promise<unknown> {
    const redis = new Redis(url, { maxRetriesPerRequest: 200, retryStrategy: () => 25 });
    redis.on('error', () => undefined);
    try {
      return await redis.call(name, ...values);
    } finally {
      redis.disconnect();
    }
  }
  async function kill(): Promise<void> {
    if (child === undefined) return;
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
    child = undefined;
    watcher?.kill('SIGKILL');
  }
  return {
    url,
    command,
    kill,
    async start() {
      child = spawn(
        binary,
        [
          ...['--port', String(port), '--bind', '127.0.0.1', '--dir', folder],
          ...['--save', '', '--appendonly', 'no', '--maxmemory-policy', 'noeviction'],
        ],
        { stdio: 'ignore' },
      );
      watcher = watch(child.pid as number, folder);
      await command('ping');
    },
    stop: () => void child?.kill('SIGSTOP'),
    resume: () => void child?.kill('SIGCONT'),
    async close() {
      await kill();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
