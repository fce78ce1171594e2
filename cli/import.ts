import { statSync } from 'node:fs';
import { extname } from 'node:path';
import { SingleBar } from 'cli-progress';
import { encodingExists } from 'iconv-lite';
import { connectAsync, type MqttClient } from 'mqtt';
import { ImportMapping } from '../src/ingest/file-import/mapping.ts';
import { createBatchPacker } from '../src/ingest/file-import/pack-batches.ts';
import { type RowFile, readRows } from '../src/ingest/file-import/read-rows.ts';
import { type ImportedReading, rowReadings } from '../src/ingest/file-import/row-readings.ts';
import { ConfigError, readConfig } from '../src/process/config-file.ts';

export interface ImportOptions {
  readonly mapping: string;
  readonly mqttUrl: string;
  readonly clientId: string;
  readonly dryRun: boolean;
  readonly skipFaulty: boolean;
  readonly encoding: string;
  readonly delimiter: string;
  readonly faults: number;
}

/** Messages sent and not yet acknowledged. */
const WINDOW = 32;
const CONNECT_MS_MAX = 10_000;

interface Found {
  rows: number;
  faultyRows: number;
  readings: number;
  duplicates: number;
  batches: number;
  firstMs: number;
  lastMs: number;
  readonly channels: Set<string>;
}

/**
 * `wugan import`: reads the whole file first and reports every fault; only a file without one is sent,
 * unless faulty rows are to be left out. A batch counts when the hub has acknowledged it, so it is
 * durable; a file imported again changes nothing. Gives the exit code.
 */
export async function runImport(path: string, options: ImportOptions): Promise<number> {
  const mapping = readConfig(options.mapping, ImportMapping);
  const file = rowFileOf(path, options);
  const found = await check(file, mapping, options);
  print(path, found);
  if (found.readings === 0) {
    console.error('Nothing to import.');
    return 1;
  }
  if (options.dryRun) return found.faultyRows === 0 ? 0 : 1;
  if (found.faultyRows > 0 && !options.skipFaulty) {
    console.error('Nothing was sent. Mend the file, or leave faulty rows out with --skip-faulty.');
    return 1;
  }
  return send(file, mapping, options, found.batches);
}

function rowFileOf(path: string, { encoding, delimiter }: ImportOptions): RowFile {
  const extension = extname(path).toLowerCase();
  const isNdjson = ['.ndjson', '.jsonl'].includes(extension);
  if (!isNdjson && !['.csv', '.tsv', '.txt'].includes(extension)) {
    throw new ConfigError(path, [`expected a .csv, .tsv, .txt, .ndjson or .jsonl file`]);
  }
  if (!encodingExists(encoding)) {
    throw new ConfigError(path, [`--encoding: expected e.g. utf8 or gb18030, found ${encoding}`]);
  }
  const separator = delimiter === '\\t' || extension === '.tsv' ? '\t' : delimiter;
  return { path, format: isNdjson ? 'ndjson' : 'csv', encoding, delimiter: separator };
}

async function check(
  file: RowFile,
  mapping: ImportMapping,
  options: ImportOptions,
): Promise<Found> {
  const found: Found = {
    ...{ rows: 0, faultyRows: 0, readings: 0, duplicates: 0, batches: 0 },
    ...{ firstMs: Number.POSITIVE_INFINITY, lastMs: Number.NEGATIVE_INFINITY },
    channels: new Set(),
  };
  let shown = 0;
  const fault = (line: number, text: string): void => {
    if (shown < options.faults) console.error(`line ${line}: ${text}`);
    shown += 1;
  };
  const packer = createBatchPacker(mapping.gateway, mapping.spanMs);
  const bar = progressBar('checking', statSync(file.path).size);
  for await (const { line, readings, faults, bytesRead } of readingsOf(file, mapping)) {
    found.rows += 1;
    bar.update(bytesRead);
    const conflicts = readings.flatMap((reading) => {
      const taken = packer.add(reading);
      if (taken === 'duplicate') found.duplicates += 1;
      else if (taken === 'taken') note(found, reading);
      return taken === 'conflict' ? [`${reading.metric}: another value for the same second`] : [];
    });
    const all = [...faults, ...conflicts];
    if (all.length > 0) found.faultyRows += 1;
    for (const text of all) fault(line, text);
    found.batches += packer.take(false).length;
  }
  found.batches += packer.take(true).length;
  bar.stop();
  if (shown > options.faults) console.error(`… and ${shown - options.faults} more faults`);
  return found;
}

function note(found: Found, { device, metric, atMs }: ImportedReading): void {
  found.readings += 1;
  found.firstMs = Math.min(found.firstMs, atMs);
  found.lastMs = Math.max(found.lastMs, atMs);
  found.channels.add(`${device} ${metric}`);
}

interface CheckedRow {
  readonly line: number;
  readonly readings: readonly ImportedReading[];
  readonly faults: readonly string[];
  readonly bytesRead: number;
}

async function* readingsOf(file: RowFile, mapping: ImportMapping): AsyncGenerator<CheckedRow> {
  for await (const { line, row, fault, bytesRead } of readRows(file)) {
    if (row === null) {
      yield { line, readings: [], faults: [fault ?? 'no row'], bytesRead };
      continue;
    }
    const read = rowReadings(row, mapping);
    const faults = (read.faults ?? []).map(
      ({ column, found, expected }) => `${column}: expected ${expected}, found “${found}”`,
    );
    yield { line, readings: read.ok ? read.value : [], faults, bytesRead };
  }
}

function print(path: string, found: Found): void {
  const { rows, faultyRows, readings, duplicates, batches, channels } = found;
  console.log(`${path}: ${rows} rows, ${faultyRows} with faults`);
  if (readings === 0) return;
  const day = (ms: number): string => new Date(ms).toISOString();
  console.log(
    `  ${readings} readings (${duplicates} twice) of ${channels.size} channels in ${batches} batches,` +
      ` ${day(found.firstMs)} to ${day(found.lastMs)}`,
  );
  for (const channel of [...channels].sort()) console.log(`  ${channel}`);
}

async function send(
  file: RowFile,
  mapping: ImportMapping,
  options: ImportOptions,
  total: number,
): Promise<number> {
  const client = await connectTo(options);
  const topic = `wugan/v1/${mapping.region}/${mapping.gateway}/backfill`;
  const bar = progressBar('sending', total);
  const waiting = new Set<Promise<void>>();
  let acknowledged = 0;
  const publish = async (batch: Buffer): Promise<void> => {
    const sent = client.publishAsync(topic, batch, { qos: 1 }).then(() => {
      waiting.delete(sent);
      acknowledged += 1;
      bar.update(acknowledged);
    });
    waiting.add(sent);
    if (waiting.size >= WINDOW) await Promise.race([...waiting, closed]);
  };
  // The broker closes whoever writes a topic that isn't his.
  const closed = new Promise<never>((_, reject) => {
    client.once('close', () => reject(new Error('the broker closed the connection')));
  });
  closed.catch(() => undefined);
  try {
    const packer = createBatchPacker(mapping.gateway, mapping.spanMs);
    for await (const { readings } of readingsOf(file, mapping)) {
      for (const reading of readings) packer.add(reading);
      for (const batch of packer.take(false)) await publish(batch);
    }
    for (const batch of packer.take(true)) await publish(batch);
    await Promise.race([Promise.all(waiting), closed]);
  } catch (error) {
    bar.stop();
    console.error(
      `${acknowledged} of ${total} batches are stored, then: ${(error as Error).message}.\n` +
        `Is gateway ${mapping.gateway} registered in region ${mapping.region}, and may client ` +
        `${options.clientId} publish for it (ingest.bridges)? Then import the file again: what is ` +
        'stored is known.',
    );
    return 1;
  } finally {
    client.removeAllListeners('close');
    await client.endAsync(true);
  }
  bar.stop();
  console.log(`${acknowledged} of ${total} batches are stored`);
  return 0;
}

async function connectTo({ mqttUrl, clientId }: ImportOptions): Promise<MqttClient> {
  const settings = { clientId, reconnectPeriod: 0, connectTimeout: CONNECT_MS_MAX };
  try {
    const client = await connectAsync(mqttUrl, settings, false);
    client.on('error', () => undefined);
    return client;
  } catch (error) {
    const { message } = error as Error;
    const what = /not authorized/i.test(message)
      ? `the hub refuses client ${clientId}: name it in ingest.bridges of hub.yaml, or another with --client-id`
      : `${message}: start the hub, or name its broker`;
    throw new ConfigError(`--mqtt-url ${mqttUrl}`, [what]);
  }
}

/** Drawn on a terminal only; elsewhere the closing line tells. */
function progressBar(what: string, total: number): SingleBar {
  const bar = new SingleBar({
    format: `${what} {bar} {percentage} % · {eta_formatted}`,
    clearOnComplete: true,
    hideCursor: true,
    stream: process.stderr,
    noTTYOutput: false,
  });
  bar.start(Math.max(1, total), 0);
  return bar;
}
