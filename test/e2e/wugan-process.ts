import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

/** One JSON line of a `wugan … --json` process. */
export type WuganEvent = { readonly event: string; readonly at: number } & Readonly<
  Record<string, unknown>
>;

export interface WuganProcess {
  readonly child: ChildProcess;
  /** The first event of the name, past ones included. Rejects when the process ends or time runs out. */
  event(
    name: string,
    options?: { withinMs?: number; where?: (event: WuganEvent) => boolean },
  ): Promise<WuganEvent>;
  readonly events: readonly WuganEvent[];
  /** The exit code, when the process has ended; null: killed by a signal. */
  readonly ended: Promise<number | null>;
  /** What it wrote to standard error. */
  stderr(): string;
  /** Sends the signal and waits until the process has ended; gives its exit code. */
  end(signal: NodeJS.Signals): Promise<number | null>;
}

/** Starts `wugan` with Node 24 and follows its JSON events. */
export function startWugan(
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): WuganProcess {
  const child = spawn(process.execPath, ['bin/wugan.js', ...args], {
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const events: WuganEvent[] = [];
  const listeners = new Set<() => void>();
  let stderr = '';
  const changed = (): void => {
    for (const listener of listeners) listener();
  };
  createInterface({ input: child.stdout }).on('line', (line) => {
    if (line.startsWith('{')) events.push(JSON.parse(line) as WuganEvent);
    changed();
  });
  child.stderr.on('data', (bytes: Buffer) => {
    stderr = (stderr + bytes.toString()).slice(-20_000);
  });
  const ended = new Promise<number | null>((resolve) => {
    child.once('exit', (code) => {
      resolve(code);
      changed();
    });
  });
  return {
    child,
    events,
    ended,
    stderr: () => stderr,
    event: (name, { withinMs = 120_000, where = () => true } = {}) =>
      new Promise((resolve, reject) => {
        const settle = (outcome: () => void): void => {
          clearTimeout(timer);
          listeners.delete(look);
          outcome();
        };
        const timer = setTimeout(
          () => settle(() => reject(new Error(`no "${name}" in ${withinMs} ms\n${stderr}`))),
          withinMs,
        );
        function look(): void {
          const found = events.find((event) => event.event === name && where(event));
          if (found !== undefined) settle(() => resolve(found));
          else if (child.exitCode !== null || child.signalCode !== null) {
            settle(() => reject(new Error(`ended before "${name}"\n${stderr}`)));
          }
        }
        listeners.add(look);
        look();
      }),
    async end(signal) {
      if (child.exitCode === null && child.signalCode === null) child.kill(signal);
      return ended;
    },
  };
}
