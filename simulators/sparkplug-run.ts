import { type Clock, SECOND_MS } from '../src/model/time.ts';
import {
  connectSparkplugNode,
  type NodeReading,
  type SparkplugNode,
  type SparkplugNodeOptions,
} from './sparkplug-node.ts';

export interface SparkplugRunOptions
  extends Pick<
    SparkplugNodeOptions,
    'mqttUrl' | 'clientId' | 'username' | 'password' | 'group' | 'edgeNode' | 'primaryHost'
  > {
  readonly device: string;
  /** Metric → value; each reading varies by 1 % around it. */
  readonly values: Readonly<Record<string, number>>;
  /** Ends after so many seconds; 0: when `signal` aborts. */
  readonly seconds: number;
  /** Every n-th message is lost on its way; 0: none. */
  readonly loseEvery: number;
  /** The connection breaks after so many seconds, again and again; 0: never. */
  readonly dieAfterSeconds: number;
}

export interface SparkplugReport {
  readonly sessions: number;
  readonly rebirths: number;
  /** Seconds whose values were sent at once, were sent later, and were lost on purpose. */
  readonly sent: number;
  readonly historical: number;
  readonly lost: number;
  /** Seconds that are stored and never were sent. */
  readonly left: number;
}

interface RunDeps {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly onEvent: (text: string) => void;
}

/** A day of seconds; beyond it the oldest goes. */
const STORED_SECONDS_MAX = 86_400;
/** Seconds that one message carries later. */
const SECONDS_PER_MESSAGE = 60;
const BD_SEQ_SPAN = 256;

/** An edge node that measures each second, stores while it may not publish, and comes back when it died. */
export async function runSparkplugNode(
  options: SparkplugRunOptions,
  { clock, signal, onEvent }: RunDeps,
): Promise<SparkplugReport> {
  const names = Object.keys(options.values);
  const metrics = names.map((name, i) => ({ name, alias: i + 1, datatype: 'Float' as const }));
  const stored: NodeReading[][] = [];
  const counts = { sessions: 0, rebirths: 0, sent: 0, historical: 0, lost: 0 };
  let node: SparkplugNode | null = null;
  let bornMs = 0;
  let published = 0;

  async function connect(): Promise<SparkplugNode | null> {
    try {
      const opened = await connectSparkplugNode({
        ...{ ...options, now: clock.now },
        publishers: new Map([
          [null, []],
          [options.device, metrics],
        ]),
        bdSeq: counts.sessions % BD_SEQ_SPAN,
      });
      counts.sessions += 1;
      bornMs = clock.now();
      onEvent(opened.isBorn() ? 'born' : `connected, waiting for host ${options.primaryHost}`);
      void opened.ended.then(() => {
        counts.rebirths += opened.rebirths();
        if (node === opened) node = null;
        onEvent('offline');
      });
      return opened;
    } catch (error) {
      onEvent(`no connection: ${(error as Error).message}`);
      return null;
    }
  }

  function sendStored(to: SparkplugNode): void {
    while (stored.length > 0) {
      const late = stored.splice(0, SECONDS_PER_MESSAGE);
      counts.historical += late.length;
      to.publish(
        options.device,
        late.flat().map((reading) => ({ ...reading, isHistorical: true })),
      );
    }
  }

  function publish(readings: NodeReading[]): void {
    if (node?.isBorn() !== true) {
      stored.push(readings);
      if (stored.length > STORED_SECONDS_MAX) stored.shift();
      return;
    }
    sendStored(node);
    published += 1;
    if (options.loseEvery > 0 && published % options.loseEvery === 0) {
      node.lose();
      counts.lost += 1;
      onEvent('a message is lost');
      return;
    }
    node.publish(options.device, readings);
    counts.sent += 1;
  }

  for (let second = 0; !signal.aborted && isWithin(second, options.seconds); second += 1) {
    node ??= await connect();
    const atMs = Math.ceil((clock.now() + 1) / SECOND_MS) * SECOND_MS;
    await clock.sleepUntil(atMs, signal);
    if (signal.aborted) break;
    publish(readingsAt(atMs, options.values));
    const diesMs = bornMs + options.dieAfterSeconds * SECOND_MS;
    if (options.dieAfterSeconds > 0 && clock.now() >= diesMs) node?.die();
  }
  const last = node;
  if (last?.isBorn() === true) sendStored(last);
  await last?.end();
  return { ...counts, left: stored.length };
}

const isWithin = (second: number, seconds: number): boolean => seconds === 0 || second < seconds;

function readingsAt(atMs: number, values: SparkplugRunOptions['values']): NodeReading[] {
  // A slow wave, so that a chart shows life and a flat line is none.
  const share = 1 + 0.01 * Math.sin(atMs / SECOND_MS / 7);
  return Object.entries(values).map(([name, value]) => ({
    ...{ name, timestampMs: atMs },
    value: { kind: 'float', value: Number((value * share).toFixed(2)) },
  }));
}
