import { createByteReader } from './byte-writer.ts';
import { readLines } from './checkpoint-bytes.ts';
import { columnBytes, readColumns } from './columns.ts';
import type { Interned } from './interned.ts';
import { addPage } from './progress-store.ts';
import { createJudgedPage, createRulePage, type RulePage } from './rule-page.ts';
import { livePlan, placeKey, planKey, type RulePlace, type RulePlan } from './rule-plan.ts';
import { indexRules, type RuleTable } from './rule-table.ts';
import { linePieces, type Piece, pagePieces } from './snapshot.ts';

/** An interned value with its number, and how many count on it. */
type Held<T> = readonly [id: number, count: number, value: T];

interface SavedTable {
  readonly used: number;
  readonly progress: readonly number[];
}

/** Free numbers, of rules (`null`) and of records of a pool; and obstacles of judged rules. */
type SavedLine =
  | { readonly pool: number | null; readonly free: readonly number[] }
  | { readonly obstacles: readonly [page: number, slot: number, said: string] };

const FREE_OF_LINE = 4_096;

/** The rules: what they share as JSON, their state as it lies in memory. */
export function* rulePieces(table: RuleTable): Generator<Piece> {
  const { used, pages, progress } = table;
  const head: SavedTable = { used, progress: progress.pools.map((pool) => pool.used) };
  yield* linePieces('rules', [head]);
  yield* linePieces(
    'rule-plans',
    heldOf(table.plans, ({ plan }) => plan),
  );
  yield* linePieces(
    'rule-places',
    heldOf(table.places, (place) => place),
  );
  yield* pagePieces('rule-pages', pages, pageBytes);
  yield* linePieces('rule-lines', savedLines(table));
  for (const [i, pool] of progress.pools.entries()) {
    yield* pagePieces(`rule-progress/${i}`, pool.pages, ({ bytes }) => [bytes]);
  }
}

function* savedLines({ free, pages, progress }: RuleTable): Generator<SavedLine> {
  yield* freeLines(null, free);
  for (const [i, pool] of progress.pools.entries()) yield* freeLines(i, pool.free);
  for (const [page, { judged }] of pages.entries()) {
    for (const [slot, said] of judged?.obstacles ?? []) yield { obstacles: [page, slot, said] };
  }
}

function* freeLines(pool: number | null, free: readonly number[]): Generator<SavedLine> {
  for (let from = 0; from < free.length; from += FREE_OF_LINE) {
    yield { pool, free: free.slice(from, from + FREE_OF_LINE) };
  }
}

function* heldOf<T, S>({ values, counts }: Interned<T>, save: (value: T) => S): Generator<Held<S>> {
  for (const [id, value] of values.entries()) {
    if (value !== undefined) yield [id, counts[id]!, save(value)];
  }
}

const pageBytes = (page: RulePage): readonly Uint8Array[] => [
  ...columnBytes(page),
  Uint8Array.from([page.judged === null ? 0 : 1]),
  ...(page.judged === null ? [] : columnBytes(page.judged)),
];

export function readRules(table: RuleTable, bytes: Buffer): void {
  const { used, progress } = readLines<SavedTable>(bytes)[0]!;
  table.used = used;
  for (const [i, pool] of table.progress.pools.entries()) pool.used = progress[i]!;
}

/** The pages are there. */
export function readRuleLines({ free, pages, progress }: RuleTable, bytes: Buffer): void {
  for (const line of readLines<SavedLine>(bytes)) {
    if ('obstacles' in line) {
      const [page, slot, said] = line.obstacles;
      pages[page]?.judged?.obstacles.set(slot, said);
    } else (line.pool === null ? free : progress.pools[line.pool]!.free).push(...line.free);
  }
}

export const readPlans = ({ plans }: RuleTable, bytes: Buffer): void =>
  restoreHeld(plans, readLines<Held<RulePlan>>(bytes), planKey, (plan) =>
    livePlan(planKey(plan), plan),
  );

export const readPlaces = ({ places }: RuleTable, bytes: Buffer): void =>
  restoreHeld(places, readLines<Held<RulePlace>>(bytes), placeKey, (place) => place);

function restoreHeld<T, S>(
  { values, counts, ids }: Interned<T>,
  held: readonly Held<S>[],
  keyOf: (saved: S) => string,
  restore: (saved: S) => T,
): void {
  for (const [id, count, saved] of held) {
    values[id] = restore(saved);
    counts[id] = count;
    ids.set(keyOf(saved), id);
  }
}

export function readRulePages({ pages }: RuleTable, bytes: Buffer): void {
  const reader = createByteReader(bytes);
  while (!reader.isAtEnd) {
    const page = createRulePage();
    readColumns(reader, page);
    if (reader.u8() === 1) {
      page.judged = createJudgedPage();
      readColumns(reader, page.judged);
    }
    pages.push(page);
  }
}

export function readRuleProgress({ progress }: RuleTable, pool: number, bytes: Buffer): void {
  const reader = createByteReader(bytes);
  while (!reader.isAtEnd) {
    const page = addPage(progress.pools[pool]!);
    page.bytes.set(reader.raw(page.bytes.byteLength));
  }
}

/** All pieces are in: what can be made again from them is made. */
export function finishRules(table: RuleTable): void {
  for (const { values, free } of [table.plans, table.places]) {
    for (let id = 0; id < values.length; id++) if (values[id] === undefined) free.push(id);
  }
  indexRules(table);
}
