import { createWriteStream, existsSync, readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { finished } from 'node:stream/promises';
import { z } from 'zod';
import { readHubConfig } from '../src/hub/config.ts';
import { createJournalFile, type JournalFileWriter } from '../src/ingest/journal/journal-file.ts';
import type { JournalBlock } from '../src/ingest/journal/read-journal.ts';
import {
  type KeptResult,
  keepLastResults,
  type LastResults,
  type ShiftRange,
} from '../src/ingest/replay/last-results.ts';
import {
  type ReplayFold,
  type ReplaySink,
  replayJournal,
} from '../src/ingest/replay/replay-journal.ts';
import { writeResultLines } from '../src/ingest/replay/result-lines.ts';
import { compareWithStored, type StoredComparison } from '../src/ingest/replay/stored-results.ts';
import { DAY_MS } from '../src/model/time.ts';
import { createShutdownStack, type ShutdownStack } from '../src/process/shutdown.ts';
import {
  createEngine,
  DEFAULT_ENGINE_SETTINGS,
  type EngineSettings,
} from '../src/thresholds/engine.ts';
import { findLimitSet, type LimitSet, parseLimitSet } from '../src/thresholds/limits/limit-set.ts';
import {
  compareEditions,
  type EditionDifference,
  isForOtherEdition,
} from '../src/thresholds/limits/other-edition.ts';
import { StartError } from './busy-port.ts';
import { createProgress } from './progress.ts';
import { refillFromJournal } from './refill-influx.ts';
import {
  embeddedIn,
  openDatabaseSource,
  openFileSource,
  type ReplaySource,
} from './replay-source.ts';
import {
  comparisonText,
  countVerdicts,
  differenceText,
  resultText,
  summaryText,
} from './replay-text.ts';

export interface ReplayCommandOptions {
  /** hub.yaml: whose database and settings. */
  readonly config?: string;
  /** Folder of an embedded database; the demo's too. */
  readonly dataDir?: string;
  /** An exported journal in place of the database. */
  readonly journal?: string;
  /** Where the journal is exported to. */
  readonly exportJournal?: string;
  readonly from?: number;
  readonly until?: number;
  /** Days of the engine's memory in place of the settings': what came later than that is judged too. */
  readonly horizon?: number;
  /** Id of an edition, or a limit set's file. */
  readonly set?: string;
  /** Where results go as JSON lines. */
  readonly out?: string;
  readonly json: boolean;
  /** Write to InfluxDB again in place of folding. */
  readonly to?: 'influx';
}

const CLOSE_WITHIN_MS = 9_000;

/**
 * `wugan replay`: folds the journal through a fresh engine and prints what it gives; with another limit
 * set, what that would have said beside what stands. Changes nothing that is stored. True: what is
 * stored is what the journal gives.
 */
export async function runReplay(options: ReplayCommandOptions): Promise<boolean> {
  const stop = new AbortController();
  const stack = createShutdownStack();
  const said = options.to === undefined ? 'nothing is changed' : 'what was written stays';
  const onSignal = (): void => stop.abort(new StartError(`Stopped: ${said}`));
  process.once('SIGINT', onSignal);
  process.once('SIGTERM', onSignal);
  try {
    const work = options.to === 'influx' ? refillFromJournal : replay;
    return await work(options, stack, stop.signal);
  } finally {
    process.off('SIGINT', onSignal);
    process.off('SIGTERM', onSignal);
    await stack.closeAll(CLOSE_WITHIN_MS);
  }
}

interface Replayed {
  readonly entries: number;
  readonly results: readonly KeptResult[];
  readonly stored: StoredComparison | null;
  readonly differences: readonly EditionDifference<KeptResult>[] | null;
}

async function replay(
  options: ReplayCommandOptions,
  stack: ShutdownStack,
  signal: AbortSignal,
): Promise<boolean> {
  const other = options.set === undefined ? undefined : otherSet(options.set);
  const settings = settingsFor(options);
  const range: ShiftRange = {
    fromMs: options.from ?? 0,
    untilMs: options.until ?? Number.MAX_SAFE_INTEGER,
  };
  const source = await openSource(options, stack, signal);
  const stands = keepLastResults(range);
  const underOther = keepLastResults(range);
  const lines = await lineSinks(options, range, stack);
  const folds: ReplayFold[] = [{ engine: createEngine(settings), sinks: [stands, ...lines] }];
  if (other !== undefined) {
    const engine = createEngine(settings, other);
    folds.push({ engine, sinks: [underOther], takes: isForOtherEdition });
  }
  const entries = await foldAll(options, source, folds, stack, signal);
  const { database, shard, extent } = source;
  const { toPos } = extent;
  const stored =
    database === null
      ? null
      : await compareWithStored(database.pool, { shard, toPos, range }, stands.results);
  print(options, other, {
    entries,
    results: inOrder(stands),
    stored,
    differences: other === undefined ? null : compareEditions(stands.results, underOther.results),
  });
  return (stored?.differing.length ?? 0) === 0;
}

function settingsFor({ config, horizon }: ReplayCommandOptions): EngineSettings {
  const settings = config === undefined ? DEFAULT_ENGINE_SETTINGS : readHubConfig(config).engine;
  return horizon === undefined ? settings : { ...settings, horizonMs: horizon * DAY_MS };
}

async function openSource(
  { journal, dataDir, config }: ReplayCommandOptions,
  stack: ShutdownStack,
  signal: AbortSignal,
): Promise<ReplaySource> {
  if (journal !== undefined) return openFileSource(journal, stack);
  if (dataDir !== undefined) return openDatabaseSource(embeddedIn(dataDir), stack, signal);
  if (config === undefined) {
    throw new StartError(
      'Cannot replay without a journal: give -c hub.yaml or --data-dir <dir> for that of a database, ' +
        'or --journal <file>',
    );
  }
  const { ingest, dataDir: folder, database } = readHubConfig(config);
  const { url, port } = database;
  const of = { shard: ingest.shard, dataDir: folder, port };
  return openDatabaseSource(url === undefined ? of : { ...of, url }, stack, signal);
}

/** A limit set by the id of an edition, or from a file of the shape of the shipped one. */
function otherSet(named: string): LimitSet {
  const known = findLimitSet(named);
  if (known !== undefined) return known;
  if (!existsSync(named)) {
    throw new StartError(
      `Cannot judge by ${JSON.stringify(named)}: known are gbz-2019, gbz-2019@YYYY-MM-DD, and files`,
    );
  }
  try {
    return parseLimitSet(JSON.parse(readFileSync(named, 'utf8')));
  } catch (error) {
    const fault = error instanceof z.ZodError ? z.prettifyError(error) : (error as Error).message;
    throw new StartError(`Cannot judge by ${named}: it is no limit set\n${fault}`);
  }
}

/** Every revision as a line: to the file, or with `--json` to stdout. */
async function lineSinks(
  { out, json, set }: ReplayCommandOptions,
  range: ShiftRange,
  stack: ShutdownStack,
): Promise<readonly ReplaySink[]> {
  if (out !== undefined) {
    const file = createWriteStream(out);
    await new Promise((resolve, reject) => {
      file.once('open', resolve);
      file.once('error', reject);
    });
    stack.push('results file', async () => {
      file.end();
      await finished(file);
    });
    return [writeResultLines(file, range)];
  }
  // With another edition, stdout is for what differs.
  return json && set === undefined ? [writeResultLines(process.stdout, range)] : [];
}

async function foldAll(
  { exportJournal }: ReplayCommandOptions,
  { extent, shard, blocks }: ReplaySource,
  folds: readonly ReplayFold[],
  stack: ShutdownStack,
  signal: AbortSignal,
): Promise<number> {
  const copy =
    exportJournal === undefined ? null : await newJournalFile(exportJournal, shard, extent);
  let isWhole = false;
  if (copy !== null && exportJournal !== undefined) {
    stack.push('exported journal', async () => {
      await copy.close();
      // A part of a journal is of no use, and would be in the way of the next export.
      if (!isWhole) await rm(exportJournal);
    });
  }
  const progress = createProgress('replay', extent.toPos - extent.fromPos + 1, 'entries');
  try {
    const entries = await replayJournal({
      ...{ extent, folds, signal },
      blocks: copy === null ? blocks() : copied(blocks(), copy),
      onProgress: (pos) => progress.to(pos - extent.fromPos + 1),
    });
    isWhole = !signal.aborted;
    return entries;
  } finally {
    progress.close();
    signal.throwIfAborted();
  }
}

async function newJournalFile(
  ...[file, shard, extent]: Parameters<typeof createJournalFile>
): Promise<JournalFileWriter> {
  try {
    return await createJournalFile(file, shard, extent);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    throw new StartError(
      `Cannot export to ${file}: it is there already and is kept; name a new file`,
    );
  }
}

async function* copied(
  blocks: AsyncIterable<JournalBlock>,
  copy: JournalFileWriter,
): AsyncGenerator<JournalBlock, void, void> {
  for await (const block of blocks) {
    await copy.block(block);
    yield block;
  }
}

/** By shift, post, crew, factor, kind of limit. */
const inOrder = ({ results }: LastResults): readonly KeptResult[] => {
  const placeOf = ({ subject }: KeptResult): string =>
    [subject.post, subject.crew, subject.factor, subject.limitKind].join(' ');
  return [...results.values()].sort(
    (a, b) =>
      a.subject.shift.startMs - b.subject.shift.startMs || (placeOf(a) < placeOf(b) ? -1 : 1),
  );
};

function print(
  { json, out, exportJournal }: ReplayCommandOptions,
  other: LimitSet | undefined,
  replayed: Replayed,
): void {
  const { entries, results, stored, differences } = replayed;
  if (json) {
    for (const { resultKey, one, other: theirs } of differences ?? []) {
      const sides = { stands: one ?? null, other: theirs ?? null };
      console.log(JSON.stringify({ kind: 'difference', resultKey, ...sides }));
    }
    const verdicts = countVerdicts(results);
    const set = other?.id ?? null;
    const counted = { entries, results: results.length, verdicts, set };
    const differing = differences?.length ?? null;
    console.log(JSON.stringify({ kind: 'summary', ...counted, differing, stored }));
    return;
  }
  if (other === undefined) for (const result of results) console.log(resultText(result));
  for (const difference of differences ?? []) {
    console.log(differenceText(difference, other?.id ?? ''));
  }
  console.log(summaryText(entries, results));
  if (stored !== null) console.log(comparisonText(stored));
  if (differences !== null) {
    console.log(`${other?.id} would have said otherwise of ${differences.length}`);
  }
  if (out !== undefined) console.log(`results written to ${out}`);
  if (exportJournal !== undefined) console.log(`journal written to ${exportJournal}`);
}
