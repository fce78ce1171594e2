import { readHubConfig } from '../src/hub/config.ts';
import { type RefillReport, refillInflux } from '../src/ingest/influx/refill.ts';
import { createLogger } from '../src/process/log.ts';
import type { ShutdownStack } from '../src/process/shutdown.ts';
import { StartError } from './busy-port.ts';
import { createProgress } from './progress.ts';
import type { ReplayCommandOptions } from './replay.ts';
import { openDatabaseSource } from './replay-source.ts';

/** Progress is a share of the work: readings, minutes and results count differently. */
const STEPS = 1_000;

/**
 * `wugan replay --to influx`: writes readings, minute cells and results of a period to InfluxDB again,
 * from the journal and the tables. True: every line was taken.
 */
export async function refillFromJournal(
  options: ReplayCommandOptions,
  stack: ShutdownStack,
  signal: AbortSignal,
): Promise<boolean> {
  const { settings, place, bounds, fromMs } = checked(options);
  const untilMs = options.until ?? Date.now();
  if (untilMs <= fromMs) throw new StartError('Cannot refill: --until is not after --from');
  const { database, shard } = await openDatabaseSource(place, stack, signal);
  if (database === null) throw new StartError('Cannot refill from a file');
  const progress = createProgress('refill', STEPS, 'thousandths');
  const report = await refillInflux(settings, {
    ...{ pool: database.pool, shard, period: { fromMs, untilMs }, bounds, signal },
    log: createLogger('influx', 'warn'),
    onProgress: (share) => progress.to(Math.round(share * STEPS)),
  }).finally(progress.close);
  signal.throwIfAborted();
  print(options.json, { fromMs, untilMs }, report);
  return report.quarantined === 0;
}

function checked(options: ReplayCommandOptions) {
  const { config, from } = options;
  const others = ['dataDir', 'journal', 'exportJournal', 'set', 'out'] as const;
  const other = others.find((name) => options[name] !== undefined);
  if (other !== undefined) {
    const option = `--${other.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
    throw new StartError(
      `Cannot refill InfluxDB with ${option}: only -c, --from and --until count`,
    );
  }
  if (config === undefined || from === undefined) {
    throw new StartError(
      'Cannot refill InfluxDB: give -c hub.yaml and --from, and --until if not now',
    );
  }
  const { influx, ingest, dataDir, database, engine } = readHubConfig(config);
  const { url } = influx;
  if (url === undefined) {
    throw new StartError(`Cannot refill InfluxDB: set influx.url in ${config}, or INFLUX_URL`);
  }
  const place = { shard: ingest.shard, dataDir, port: database.port };
  return {
    settings: { ...influx, url },
    place: database.url === undefined ? place : { ...place, url: database.url },
    bounds: engine,
    fromMs: from,
  };
}

function print(
  isJson: boolean,
  { fromMs, untilMs }: { fromMs: number; untilMs: number },
  { written, quarantined }: RefillReport,
): void {
  if (isJson) {
    console.log(JSON.stringify({ kind: 'refill', fromMs, untilMs, written, quarantined }));
    return;
  }
  const period = `${new Date(fromMs).toISOString()} to ${new Date(untilMs).toISOString()}`;
  console.log(`${written} lines of ${period} written to InfluxDB`);
  if (quarantined === 0) return;
  console.log(`${quarantined} refused: see wugan dead-letters list --reason sink-refused`);
}
