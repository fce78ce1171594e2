import type { RuleSubject } from '../model/exposure.ts';
import { createInterned, type Interned, intern, release } from './interned.ts';
import { createProgressStore, freeRecord, type ProgressStore } from './progress-store.ts';
import type { RuleDefinition } from './rule-definition.ts';
import { clearRule, createRulePage, PAGE_RULES, type RulePage } from './rule-page.ts';
import {
  type LivePlan,
  livePlan,
  placeKey,
  placeOf,
  planKey,
  planOf,
  type RulePlace,
} from './rule-plan.ts';
import { type SharedParts, shareParts } from './share-parts.ts';

/**
 * The rules of all channels: each a number, its state in flat arrays, what it shares with others held once.
 * Found by what its result key is made of: post, crew, factor, kind and start of the shift.
 */
export interface RuleTable {
  readonly pages: RulePage[];
  /** Numbers given out so far, the free ones among them. */
  used: number;
  readonly free: number[];
  readonly plans: Interned<LivePlan>;
  readonly places: Interned<RulePlace>;
  readonly parts: SharedParts;
  readonly progress: ProgressStore;
  /** First rule of each bucket of keys; −1: none. */
  buckets: Int32Array;
}

const BUCKETS_MIN = 64;

export const createRuleTable = (): RuleTable => ({
  pages: [],
  used: 0,
  free: [],
  plans: createInterned(),
  places: createInterned(),
  parts: new Map(),
  progress: createProgressStore(),
  buckets: new Int32Array(BUCKETS_MIN).fill(-1),
});

/** What tells a rule in a shift from all others. */
export interface RuleKey extends Pick<RuleSubject, 'post' | 'crew' | 'factor' | 'limitKind'> {
  readonly startMs: number;
}

export const pageOf = (table: RuleTable, id: number): RulePage =>
  table.pages[Math.floor(id / PAGE_RULES)]!;

export const slotOf = (id: number): number => id % PAGE_RULES;

export const livePlanOf = (table: RuleTable, id: number): LivePlan =>
  table.plans.values[pageOf(table, id).plan[slotOf(id)]!]!;

export const placeOfRule = (table: RuleTable, id: number): RulePlace =>
  table.places.values[pageOf(table, id).place[slotOf(id)]!]!;

/** The channel's rule after this one; −1: there is none. */
export const nextRule = (table: RuleTable, id: number): number =>
  pageOf(table, id).next[slotOf(id)]!;

/** Whether the number stands for a rule in memory. */
export const isThere = (table: RuleTable, id: number): boolean =>
  id < table.used && pageOf(table, id).channel[slotOf(id)]! >= 0;

export function findRule(table: RuleTable, key: RuleKey): number {
  let id = table.buckets[bucketOf(table, key)]!;
  while (id >= 0 && !isOfKey(table, id, key)) id = pageOf(table, id).nextAlike[slotOf(id)]!;
  return id;
}

function isOfKey(table: RuleTable, id: number, key: RuleKey): boolean {
  const { subject } = livePlanOf(table, id).plan;
  const { post, crew } = placeOfRule(table, id);
  return (
    subject.shift.startMs === key.startMs &&
    subject.limitKind === key.limitKind &&
    subject.factor === key.factor &&
    post === key.post &&
    crew === key.crew
  );
}

function keyOfRule(table: RuleTable, id: number): RuleKey {
  const { subject } = livePlanOf(table, id).plan;
  const { post, crew } = placeOfRule(table, id);
  const { factor, limitKind, shift } = subject;
  return { post, crew, factor, limitKind, startMs: shift.startMs };
}

function bucketOf({ buckets }: RuleTable, key: RuleKey): number {
  let hash = Math.floor(key.startMs / 1_000) | 0;
  for (const text of [key.post, key.crew, key.factor, key.limitKind]) {
    for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  }
  return (hash ^ (hash >>> 15)) & (buckets.length - 1);
}

/** Adds a rule to a channel, by its index; its number. */
export function addRule(table: RuleTable, channel: number, definition: RuleDefinition): number {
  const id = table.free.pop() ?? table.used++;
  if (Math.floor(id / PAGE_RULES) === table.pages.length) table.pages.push(createRulePage());
  const page = pageOf(table, id);
  const slot = slotOf(id);
  page.channel[slot] = channel;
  page.next[slot] = -1;
  refer(table, id, definition);
  if (table.used > table.buckets.length) indexRules(table);
  else enterBucket(table, id);
  return id;
}

function enterBucket(table: RuleTable, id: number): void {
  const bucket = bucketOf(table, keyOfRule(table, id));
  pageOf(table, id).nextAlike[slotOf(id)] = table.buckets[bucket]!;
  table.buckets[bucket] = id;
}

/** Makes the index of keys anew, with room for what there is. */
export function indexRules(table: RuleTable): void {
  let size = BUCKETS_MIN;
  while (size < table.used) size *= 2;
  table.buckets = new Int32Array(size).fill(-1);
  for (let id = 0; id < table.used; id++) if (isThere(table, id)) enterBucket(table, id);
}

function refer(table: RuleTable, id: number, definition: RuleDefinition): void {
  const page = pageOf(table, id);
  const slot = slotOf(id);
  const plan = planOf(definition);
  const key = planKey(plan);
  page.plan[slot] = intern(table.plans, key, () => livePlan(key, shareParts(table.parts, plan)));
  const place = placeOf(definition);
  page.place[slot] = intern(table.places, placeKey(place), () => place);
}

/** Gives the rule another definition of the same key. */
export function redefineRule(table: RuleTable, id: number, definition: RuleDefinition): void {
  const before = { plan: planNumber(table, id), place: placeNumber(table, id) };
  refer(table, id, definition);
  release(table.plans, before.plan, ({ key }) => key);
  release(table.places, before.place, placeKey);
}

const planNumber = (table: RuleTable, id: number): number => pageOf(table, id).plan[slotOf(id)]!;
const placeNumber = (table: RuleTable, id: number): number => pageOf(table, id).place[slotOf(id)]!;

/** Forgets a rule; what refers to its number must let go of it first. */
export function removeRule(table: RuleTable, id: number): void {
  leaveBucket(table, id);
  dropProgress(table, id);
  const page = pageOf(table, id);
  clearRule(page, slotOf(id));
  release(table.plans, planNumber(table, id), ({ key }) => key);
  release(table.places, placeNumber(table, id), placeKey);
  table.free.push(id);
}

function leaveBucket(table: RuleTable, id: number): void {
  const bucket = bucketOf(table, keyOfRule(table, id));
  const after = pageOf(table, id).nextAlike[slotOf(id)]!;
  let before = table.buckets[bucket]!;
  if (before === id) {
    table.buckets[bucket] = after;
    return;
  }
  while (pageOf(table, before).nextAlike[slotOf(before)] !== id) {
    before = pageOf(table, before).nextAlike[slotOf(before)]!;
  }
  pageOf(table, before).nextAlike[slotOf(before)] = after;
}

/** Forgets how far a rule has come. */
export function dropProgress({ progress, pages }: RuleTable, id: number): void {
  const page = pages[Math.floor(id / PAGE_RULES)]!;
  for (const records of [page.progress, page.ordered]) {
    const record = records[slotOf(id)]!;
    if (record >= 0) freeRecord(progress, record);
    records[slotOf(id)] = -1;
  }
}
