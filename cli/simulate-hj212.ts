import { readFileSync } from 'node:fs';
import { runHj212Device } from '../simulators/hj212-run.ts';
import { HJ212_DEVIATIONS, Hj212Deviation, Hj212Station } from '../src/model/hj212.ts';
import { SECOND_MS } from '../src/model/time.ts';
import { realClock } from '../src/process/clock.ts';
import { StartError } from './busy-port.ts';

interface Options {
  readonly address: string;
  readonly mn: string;
  readonly edition: number;
  readonly st: string;
  readonly value: readonly string[];
  readonly interval: number;
  readonly frames: number;
  readonly deviation: readonly string[];
  readonly cipherKeyFile?: string;
}

/** `wugan simulate hj212`: prints each frame with its answer; until so many frames, or Ctrl-C. */
export async function runHj212Command(options: Options): Promise<void> {
  const stop = new AbortController();
  process.once('SIGINT', () => stop.abort());
  process.once('SIGTERM', () => stop.abort());
  const report = await runHj212Device(
    {
      ...addressOf(options.address),
      ...{ mn: options.mn, st: options.st, frames: options.frames },
      edition: editionOf(options.edition),
      values: Object.fromEntries(options.value.map(readingOf)),
      intervalMs: options.interval * SECOND_MS,
      deviations: new Set(options.deviation.map(deviationOf)),
      ...(options.cipherKeyFile === undefined ? {} : { key: keyOf(options.cipherKeyFile) }),
    },
    {
      clock: realClock,
      signal: stop.signal,
      onError: (message) => console.error(`no connection: ${message}`),
      onFrame: (frame, isAnswered) =>
        console.log(`${isAnswered ? '9014  ' : '–     '}${frame.toString('latin1').trimEnd()}`),
    },
  );
  console.log(`${report.sent} frames sent, ${report.answered} answered`);
  if (report.answered < report.sent) process.exitCode = 1;
}

function addressOf(text: string): { host: string; port: number } {
  const [, host = '', port = ''] = /^(.+):(\d{1,5})$/.exec(text) ?? [];
  if (host !== '' && Number(port) > 0 && Number(port) < 65_536) return { host, port: Number(port) };
  throw new StartError(`Cannot connect to "${text}": --address is like 127.0.0.1:5212`);
}

function editionOf(value: number): Hj212Station['edition'] {
  const parsed = Hj212Station.shape.edition.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new StartError(`Cannot speak edition ${value}: --edition is 2005, 2017 or 2025`);
}

function readingOf(text: string): [string, number] {
  const [, code = '', value = ''] = /^([0-9A-Za-z]+)=(-?[\d.]+)$/.exec(text) ?? [];
  if (code !== '' && Number.isFinite(Number(value))) return [code, Number(value)];
  throw new StartError(`Cannot send "${text}": --value is like LA=83.2`);
}

function deviationOf(text: string): Hj212Deviation {
  const parsed = Hj212Deviation.safeParse(text);
  if (parsed.success) return parsed.data;
  const names = Object.keys(HJ212_DEVIATIONS).join(', ');
  throw new StartError(`Cannot deviate by "${text}": --deviation is one of ${names}`);
}

function keyOf(file: string): Uint8Array {
  const text = readFileSync(file, 'utf8').trim();
  if (/^[0-9A-Fa-f]{32}$/.test(text)) return Buffer.from(text, 'hex');
  throw new StartError(`Cannot use the key in ${file}: expected 32 hex digits`);
}
