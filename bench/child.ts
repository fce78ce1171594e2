import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

export interface BenchChild {
  readonly child: ChildProcess;
  readonly ready: Readonly<Record<string, string>>;
  stop(): Promise<void>;
}

/** Starts a process of this Node and waits for its JSON line with `event: 'ready'`. */
export function startChild(args: readonly string[]): Promise<BenchChild> {
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const stop = async (): Promise<void> => {
    child.kill('SIGTERM');
    await ended;
  };
  return new Promise((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`${args[0]} ended with ${code}`)));
    createInterface({ input: child.stdout }).on('line', (line) => {
      if (!line.startsWith('{')) return;
      const ready = JSON.parse(line) as Record<string, string>;
      if (ready['event'] === 'ready') resolve({ child, ready, stop });
    });
  });
}

/** Starts a process of this Node that says nothing. */
export function startProgram(args: readonly string[]): Omit<BenchChild, 'ready'> {
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'inherit'] });
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  return {
    child,
    async stop() {
      child.kill('SIGTERM');
      await ended;
    },
  };
}

/** CPU seconds, user and system, that a process has used so far (Linux). */
export async function cpuSeconds(pid: number): Promise<number> {
  const { readFile } = await import('node:fs/promises');
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const ticksPerSecond = 100;
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
}
