import { type ByteReader, createByteReader, createByteWriter } from './byte-writer.ts';
import { readLines, writeLines } from './checkpoint-bytes.ts';
import { readColumns, writeColumns } from './columns.ts';
import type { Interned } from './interned.ts';
import { addPages } from './progress-store.ts';
import { createJudgedPage, createRulePage, type RulePage } from './rule-page.ts';
import { livePlan, placeKey, planKey, type RulePlace, type RulePlan } from './rule-plan.ts';
import { indexRules, type RuleTable } from './rule-table.ts';

/** An interned value with its number, and how many count on it. */
type Held<T> = readonly [id: number, count: number, value: T];

interface SavedTable {
  readonly used: number;
  readonly free: readonly number[];
  readonly pages: number;
  readonly plans: readonly Held<RulePlan>[];
  readonly places: readonly Held<RulePlace>[];
  readonly progress: readonly { readonly used: number; readonly free: readonly number[] }[];
  /** Of judged rules, by number. */
  readonly obstacles: readonly (readonly [page: number, slot: number, said: string])[];
}

/** The rules: what they share as JSON, their state as it lies in memory. */
export function writeRules(table: RuleTable): Uint8Array {
  const { pages, progress } = table;
  const head: SavedTable = {
    used: table.used,
    free: table.free,
    pages: pages.length,
    plans: heldOf(table.plans, ({ plan }) => plan),
    places: heldOf(table.places, (place) => place),
    progress: progress.pools.map(({ used, free }) => ({ used, free })),
    obstacles: pages.flatMap(({ judged }, page) =>
      [...(judged?.obstacles ?? [])].map(([slot, said]) => [page, slot, said] as const),
    ),
  };
  const writer = createByteWriter();
  const json = writeLines([head]);
  writer.u32(json.byteLength);
  writer.raw(json);
  for (const page of pages) {
    writeColumns(writer, page);
    writer.u8(page.judged === null ? 0 : 1);
    if (page.judged !== null) writeColumns(writer, page.judged);
  }
  for (const pool of progress.pools) {
    for (const { bytes } of pool.pages) writer.raw(bytes);
  }
  return writer.bytes();
}

const heldOf = <T, S>({ values, counts }: Interned<T>, save: (value: T) => S): Held<S>[] =>
  values.flatMap((value, id): Held<S>[] =>
    value === undefined ? [] : [[id, counts[id]!, save(value)]],
  );

/** Takes back into an empty table what `writeRules` wrote. */
export function readRules(table: RuleTable, bytes: Buffer): void {
  const reader = createByteReader(bytes);
  const json = Buffer.from(reader.raw(reader.u32()));
  const head = readLines<SavedTable>(json)[0]!;
  table.used = head.used;
  table.free.push(...head.free);
  restoreHeld(table.plans, head.plans, planKey, (plan) => livePlan(planKey(plan), plan));
  restoreHeld(table.places, head.places, placeKey, (place) => place);
  for (let left = head.pages; left > 0; left--) table.pages.push(readPage(reader));
  for (const [page, slot, said] of head.obstacles) {
    table.pages[page]?.judged?.obstacles.set(slot, said);
  }
  for (const [i, pool] of table.progress.pools.entries()) {
    pool.used = head.progress[i]!.used;
    pool.free.push(...head.progress[i]!.free);
    addPages(pool, (page) => page.bytes.set(reader.raw(page.bytes.byteLength)));
  }
  indexRules(table);
}

function restoreHeld<T, S>(
  { values, counts, ids, free }: Interned<T>,
  held: readonly Held<S>[],
  keyOf: (saved: S) => string,
  restore: (saved: S) => T,
): void {
  for (const [id, count, saved] of held) {
    values[id] = restore(saved);
    counts[id] = count;
    ids.set(keyOf(saved), id);
  }
  for (let id = 0; id < values.length; id++) if (!(id in values)) free.push(id);
}

function readPage(reader: ByteReader): RulePage {
  const page = createRulePage();
  readColumns(reader, page);
  if (reader.u8() === 1) {
    page.judged = createJudgedPage();
    readColumns(reader, page.judged);
  }
  return page;
}
