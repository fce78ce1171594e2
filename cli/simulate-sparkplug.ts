import { runSparkplugNode, type SparkplugReport } from '../simulators/sparkplug-run.ts';
import { SparkplugId } from '../src/model/sparkplug.ts';
import { realClock } from '../src/process/clock.ts';
import { StartError } from './busy-port.ts';

interface Options {
  readonly mqttUrl: string;
  readonly clientId?: string;
  readonly group: string;
  readonly edgeNode: string;
  readonly device: string;
  readonly value: readonly string[];
  readonly seconds: number;
  readonly primaryHost?: string;
  readonly loseEvery: number;
  readonly dieAfter: number;
}

const USUAL_VALUES = ['Noise/LAeq=83.2'];

/** `wugan simulate sparkplug`: prints what happens, and at the end a report as JSON. */
export async function runSparkplugCommand(options: Options): Promise<void> {
  const stop = new AbortController();
  process.once('SIGINT', () => stop.abort());
  process.once('SIGTERM', () => stop.abort());
  const values = options.value.length === 0 ? USUAL_VALUES : options.value;
  const report: SparkplugReport = await runSparkplugNode(
    {
      mqttUrl: brokerUrlOf(options.mqttUrl),
      clientId: options.clientId ?? `sparkplug-${options.edgeNode}`,
      group: idOf('--group', options.group),
      edgeNode: idOf('--edge-node', options.edgeNode),
      device: idOf('--device', options.device),
      values: Object.fromEntries(values.map(readingOf)),
      primaryHost:
        options.primaryHost === undefined ? null : idOf('--primary-host', options.primaryHost),
      ...{ seconds: options.seconds, loseEvery: options.loseEvery },
      dieAfterSeconds: options.dieAfter,
    },
    { clock: realClock, signal: stop.signal, onEvent: (text) => console.log(text) },
  );
  console.log(JSON.stringify(report, null, 2));
  if (report.sessions === 0) process.exitCode = 2;
}

function brokerUrlOf(text: string): string {
  const url = URL.parse(text);
  if (url !== null && /^(mqtts?|wss?):$/.test(url.protocol) && url.hostname !== '') return text;
  throw new StartError(`Cannot connect to "${text}": --mqtt-url is like mqtt://127.0.0.1:1883`);
}

function idOf(option: string, text: string): string {
  const parsed = SparkplugId.safeParse(text);
  if (parsed.success) return parsed.data;
  throw new StartError(`Cannot use "${text}": ${option} is a name without / + #`);
}

function readingOf(text: string): [string, number] {
  const [, name = '', value = ''] = /^([^=]+)=(-?[\d.]+)$/.exec(text) ?? [];
  if (name !== '' && Number.isFinite(Number(value))) return [name, Number(value)];
  throw new StartError(`Cannot send "${text}": --value is like Noise/LAeq=83.2`);
}
