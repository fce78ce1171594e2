import { Presets, SingleBar } from 'cli-progress';

export interface Progress {
  to(done: number): void;
  close(): void;
}

/** How often progress is said where it can't be redrawn. */
const PLAIN_EVERY_MS = 5_000;

/** Progress of long work on stderr: a bar on a terminal, else a line now and then. */
export function createProgress(what: string, total: number, unit: string): Progress {
  if (process.stderr.isTTY) {
    const format = `${what} {bar} {percentage} %  {value} of {total} ${unit}  {eta_formatted} left`;
    const bar = new SingleBar({ format, stream: process.stderr }, Presets.shades_classic);
    bar.start(total, 0);
    return { to: (done) => bar.update(done), close: () => bar.stop() };
  }
  let saidAtMs = Date.now();
  return {
    to(done) {
      if (Date.now() - saidAtMs < PLAIN_EVERY_MS) return;
      saidAtMs = Date.now();
      const percent = total === 0 ? 100 : Math.floor((100 * done) / total);
      process.stderr.write(`${what}: ${done} of ${total} ${unit} (${percent} %)\n`);
    },
    close: () => undefined,
  };
}
