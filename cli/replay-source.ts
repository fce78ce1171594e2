import { join } from 'node:path';
import { connect, type DatabaseConnection } from '../src/database/connect.ts';
import { startEmbeddedPostgres } from '../src/database/embedded.ts';
import { holdsDatabase, runningServerUrl } from '../src/database/running-server.ts';
import { HubConfig } from '../src/hub/config.ts';
import { openJournalFile } from '../src/ingest/journal/journal-file.ts';
import {
  type JournalBlock,
  type JournalExtent,
  journalExtent,
  readJournal,
} from '../src/ingest/journal/read-journal.ts';
import { createLogger } from '../src/process/log.ts';
import type { ShutdownStack } from '../src/process/shutdown.ts';
import { StartError } from './busy-port.ts';

/** A journal that can be replayed. */
export interface ReplaySource {
  readonly shard: string;
  readonly extent: JournalExtent;
  readonly blocks: () => AsyncIterable<JournalBlock>;
  /** The database whose results stand; null: the journal is a file. */
  readonly database: DatabaseConnection | null;
}

/** An exported journal. */
export async function openFileSource(file: string, stack: ShutdownStack): Promise<ReplaySource> {
  const { head, blocks, close } = await openJournalFile(file);
  stack.push('journal file', close);
  return { shard: head.shard, extent: head, blocks, database: null };
}

/** Where a hub's database is. */
export interface DatabasePlace {
  readonly shard: string;
  /** Absent: the embedded server in `dataDir`. */
  readonly url?: string;
  readonly dataDir: string;
  /** On which the embedded server is started when it doesn't run. */
  readonly port: number;
}

/** The embedded database in a folder, or in the `hub` of one as the demo has it, by the default settings. */
export function embeddedIn(dataDir: string): DatabasePlace {
  const { ingest, database } = HubConfig.shape;
  const hub = join(dataDir, 'hub');
  return {
    shard: ingest.parse(undefined).shard,
    dataDir: holdsDatabase(hub) ? hub : dataDir,
    port: database.parse(undefined).port,
  };
}

/**
 * The journal in a hub's database, which may be running: it is only read. The embedded server is started
 * when no process runs it, and stopped again.
 */
export async function openDatabaseSource(
  place: DatabasePlace,
  stack: ShutdownStack,
  signal: AbortSignal,
): Promise<ReplaySource> {
  const { shard } = place;
  const url = place.url ?? (await embeddedUrl(place, stack, signal));
  const database = connect(url, { connectionsMax: 2, onError: () => undefined });
  stack.push('database connections', database.close);
  const { pool } = database;
  const extent = await journalExtent(pool, shard);
  if (extent.toPos === 0) {
    throw new StartError(
      `Cannot replay shard ${JSON.stringify(shard)}: its journal has no entry that was evaluated`,
    );
  }
  return { shard, extent, blocks: () => readJournal(pool, shard, extent), database };
}

async function embeddedUrl(
  { dataDir, port }: DatabasePlace,
  stack: ShutdownStack,
  signal: AbortSignal,
): Promise<string> {
  const running = await runningServerUrl(dataDir);
  if (running !== null) return running;
  if (!holdsDatabase(dataDir)) {
    throw new StartError(
      `Cannot replay from ${dataDir}: it holds no database; set dataDir or database.url`,
    );
  }
  const log = createLogger('postgres', 'warn');
  const server = await startEmbeddedPostgres({ dataDir, port, log, signal });
  stack.push('embedded PostgreSQL', server.close);
  return server.url;
}
