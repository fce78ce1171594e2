import type { HeaderRow } from '../../src/ingest/journal/header.ts';
import { readBlock, readHeader } from '../../src/ingest/journal/read-block.ts';
import type { JournalEntry } from '../../src/model/entry.ts';
import type { TestDatabase } from '../database/test-database.ts';

interface BlockRow {
  readonly pos_from: number;
  readonly pos_to: number;
  readonly prev_hash: Buffer;
  readonly hash: Buffer;
  readonly header: Buffer;
  readonly body: Buffer;
}

export async function readBlocks(pool: TestDatabase['pool']): Promise<BlockRow[]> {
  const { rows } = await pool.query<BlockRow>('select * from telemetry.block order by pos_from');
  return rows;
}

/** Header rows of the whole journal, in order. */
export const readRows = async (pool: TestDatabase['pool']): Promise<HeaderRow[]> =>
  (await readBlocks(pool)).flatMap((block) => readHeader(block.header));

export const readEntries = async (pool: TestDatabase['pool']): Promise<JournalEntry[]> =>
  (await readBlocks(pool)).flatMap(readBlock);
