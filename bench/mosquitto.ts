import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const PORT = 18_883;
const START_MS_MAX = 10_000;

/** Debian's mosquitto on a port of 127.0.0.1, with bounds wide enough for a bench. */
export async function startMosquitto(): Promise<{ readonly url: string; stop(): Promise<void> }> {
  const folder = mkdtempSync(join(tmpdir(), 'wugan-bench-mosquitto-'));
  const config = join(folder, 'mosquitto.conf');
  const lines = [
    `listener ${PORT} 127.0.0.1`,
    'allow_anonymous true',
    'max_queued_messages 0',
    'max_inflight_messages 0',
    'log_type error',
  ];
  writeFileSync(config, `${lines.join('\n')}\n`);
  const child = spawn('mosquitto', ['-c', config], { stdio: ['ignore', 'ignore', 'inherit'] });
  const ended = new Promise<void>((done) => child.once('exit', () => done()));
  const missing = new Promise<never>((_, reject) =>
    child.once('error', () => reject(new Error('Install it first: apt-get install mosquitto'))),
  );
  await Promise.race([listening(), missing]);
  return {
    url: `mqtt://127.0.0.1:${PORT}`,
    async stop() {
      child.kill('SIGTERM');
      await ended;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function listening(): Promise<void> {
  const untilMs = performance.now() + START_MS_MAX;
  while (performance.now() < untilMs) {
    const isUp = await new Promise<boolean>((answer) => {
      const socket = connect(PORT, '127.0.0.1');
      socket.once('connect', () => answer(true)).once('error', () => answer(false));
      socket.once('close', () => answer(false));
      setTimeout(() => socket.destroy(), 500).unref();
    });
    if (isUp) return;
    await new Promise((next) => setTimeout(next, 50));
  }
  throw new Error(`mosquitto did not listen on ${PORT} within ${START_MS_MAX} ms`);
}
