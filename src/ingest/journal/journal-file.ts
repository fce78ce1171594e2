import { type FileHandle, open } from 'node:fs/promises';
import { z } from 'zod';
import { Fact } from '../../model/facts.ts';
import { blockHash } from './encode-block.ts';
import type { JournalBlock, JournalExtent } from './read-journal.ts';

/**
 * A journal in a file: a head, the facts of positions before it, then its blocks, one JSON object a line.
 * Blocks keep their bytes and their hashes, so that whoever gets the file can check that none was
 * changed, left out or put in between.
 */
const Head = z.strictObject({
  wugan: z.literal('journal'),
  v: z.literal(1),
  shard: z.string().min(1),
  fromPos: z.int().min(1),
  toPos: z.int().min(0),
  facts: z.array(z.strictObject({ pos: z.int().min(1), fact: Fact })),
});
export type JournalFileHead = z.infer<typeof Head>;

const Base64 = z.base64().transform((text) => Buffer.from(text, 'base64'));
const Hex = z.hex().transform((text) => Buffer.from(text, 'hex'));
const BlockLine = z.strictObject({
  posFrom: z.int().min(1),
  posTo: z.int().min(1),
  prevHash: Hex,
  hash: Hex,
  header: Base64,
  body: Base64,
});

/** A journal file that can't be used; `hint` says what to do about it. */
export class JournalFileError extends Error {
  readonly hint = 'Export it again: wugan replay -c hub.yaml --export-journal <file>';

  constructor(file: string, fault: string) {
    super(`Cannot read the journal ${file}: ${fault}`);
    this.name = 'JournalFileError';
  }
}

export interface JournalFileWriter {
  block(block: JournalBlock): Promise<void>;
  close(): Promise<void>;
}

/** Makes the file; one that is there is refused, so that no evidence is written over. */
export async function createJournalFile(
  file: string,
  shard: string,
  extent: JournalExtent,
): Promise<JournalFileWriter> {
  const handle = await open(file, 'wx', 0o600);
  const line = (value: object): Promise<unknown> => handle.write(`${JSON.stringify(value)}\n`);
  await line({ wugan: 'journal', v: 1, shard, ...extent });
  return {
    block: async ({ posFrom, posTo, prevHash, hash, header, body }) => {
      await line({
        ...{ posFrom, posTo },
        prevHash: prevHash.toString('hex'),
        hash: hash.toString('hex'),
        header: header.toString('base64'),
        body: body.toString('base64'),
      });
    },
    close: () => handle.close(),
  };
}

export interface JournalFile {
  readonly head: JournalFileHead;
  /** The blocks in their order; throws `JournalFileError` where the file is not what was exported. */
  blocks(): AsyncGenerator<JournalBlock, void, void>;
  close(): Promise<void>;
}

/** Opens an exported journal. Throws `JournalFileError` when it is none. */
export async function openJournalFile(file: string): Promise<JournalFile> {
  const handle = await open(file, 'r');
  try {
    const isFile = (await handle.stat()).isFile();
    if (!isFile) throw new JournalFileError(file, 'it is no file');
    const lines = numberedLines(handle);
    const first = await lines.next();
    const head = Head.safeParse(first.done ? undefined : jsonOf(first.value.text));
    if (!head.success) throw new JournalFileError(file, 'its first line is not the head of one');
    return {
      head: head.data,
      blocks: () => checkedBlocks(file, head.data, lines),
      close: () => handle.close(),
    };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

async function* numberedLines(
  handle: FileHandle,
): AsyncGenerator<{ readonly text: string; readonly number: number }, void, void> {
  let number = 0;
  for await (const text of handle.readLines({ autoClose: false })) {
    number++;
    yield { text, number };
  }
}

async function* checkedBlocks(
  file: string,
  { fromPos, toPos }: JournalFileHead,
  lines: AsyncGenerator<{ readonly text: string; readonly number: number }, void, void>,
): AsyncGenerator<JournalBlock, void, void> {
  let before: JournalBlock | undefined;
  for await (const { text, number } of lines) {
    const fault = (what: string): JournalFileError =>
      new JournalFileError(file, `line ${number} ${what}`);
    const parsed = BlockLine.safeParse(jsonOf(text));
    if (!parsed.success) throw fault('is not a block of a journal');
    const block = parsed.data;
    if (!blockHash(block.prevHash, block.header, block.body).equals(block.hash)) {
      throw fault('was changed: its hash is not that of its bytes');
    }
    if (block.posFrom !== (before?.posTo ?? fromPos - 1) + 1) {
      throw fault(`begins with entry ${block.posFrom}: a block is missing before it`);
    }
    if (before !== undefined && !before.hash.equals(block.prevHash)) {
      throw fault("doesn't follow the block before it in the chain");
    }
    before = block;
    yield block;
  }
  if ((before?.posTo ?? 0) < toPos) {
    throw new JournalFileError(file, `it ends before entry ${toPos}`);
  }
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
