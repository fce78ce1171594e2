import type { RuleSubject, Standing, Verdict } from '../model/exposure.ts';
import { MINUTE_MS } from '../model/time.ts';
import type { Channel, EngineState } from './engine-state.ts';
import {
  ACCUSED,
  CLOSED,
  createJudgedPage,
  HASH_BYTES,
  type JudgedPage,
  ORPHAN,
  PROMISING,
  type RulePage,
  WARNED,
} from './rule-page.ts';
import type { LivePlan } from './rule-plan.ts';
import { livePlanOf, pageOf, placeOfRule, slotOf } from './rule-table.ts';

const VERDICTS: readonly (Verdict | null)[] = [
  null,
  'exceeded',
  'suspected',
  'borderline',
  'within',
  'indeterminate',
];

const STANDINGS: readonly (Standing['state'] | null)[] = [null, 'no-data', 'below', 'near', 'over'];

/**
 * One rule in one shift as far as it has come, by its number: a class, because its state lives in the arrays of
 * its page, and whoever looks at it for a moment shares these accessors. Nothing keeps one.
 */
export class RuleRow {
  readonly id: number;
  readonly state: EngineState;
  readonly page: RulePage;
  readonly slot: number;

  constructor(state: EngineState, id: number) {
    this.id = id;
    this.state = state;
    this.page = pageOf(state.rules, id);
    this.slot = slotOf(id);
  }

  get channel(): Channel {
    return this.state.channels[this.page.channel[this.slot]!]!;
  }
  /** By the facts known; of an orphan, as it last was. */
  get live(): LivePlan {
    return livePlanOf(this.state.rules, this.id);
  }
  get subject(): RuleSubject {
    const { device, metric, gateway } = this.channel;
    const { subject } = this.live.plan;
    const place = placeOfRule(this.state.rules, this.id);
    return { ...place, ...subject, channel: { device, metric }, gateway: gateway.id };
  }
  get startMs(): number {
    return this.live.plan.subject.shift.startMs;
  }
  get endMs(): number {
    return this.live.plan.subject.shift.endMs;
  }
  /** First minute whose cells the rule reads. */
  get tableStartMs(): number {
    return this.live.startMinute * MINUTE_MS;
  }

  /** The facts no longer know the shift: what was said of it is taken back. */
  get isOrphan(): boolean {
    return this.#has(ORPHAN);
  }
  set isOrphan(is: boolean) {
    this.#set(ORPHAN, is);
  }
  /** An over-limit signal stands; `obstacles`: what it said stands against a push, spaces between. */
  get isAccused(): boolean {
    return this.#has(ACCUSED);
  }
  set isAccused(is: boolean) {
    this.#set(ACCUSED, is);
  }
  get hasWarned(): boolean {
    return this.#has(WARNED);
  }
  set hasWarned(has: boolean) {
    this.#set(WARNED, has);
  }
  get isClosed(): boolean {
    return this.#has(CLOSED);
  }
  set isClosed(is: boolean) {
    this.#set(CLOSED, is);
  }
  /** A minute since *certain* was last asked for makes it worth asking. */
  get isPromising(): boolean {
    return this.#has(PROMISING);
  }
  set isPromising(is: boolean) {
    this.#set(PROMISING, is);
  }
  #has(bit: number): boolean {
    return (this.page.flags[this.slot]! & bit) !== 0;
  }
  #set(bit: number, is: boolean): void {
    if (is) this.page.flags[this.slot]! |= bit;
    else this.page.flags[this.slot]! &= ~bit;
  }

  get verdict(): Verdict | null {
    return VERDICTS[this.page.verdict[this.slot]!]!;
  }
  set verdict(verdict: Verdict | null) {
    this.page.verdict[this.slot] = VERDICTS.indexOf(verdict);
  }
  /** Where it stood by the minute followed last; null: not followed yet. */
  get standing(): Standing['state'] | null {
    return STANDINGS[this.page.standing[this.slot]!]!;
  }
  set standing(state: Standing['state'] | null) {
    this.page.standing[this.slot] = STANDINGS.indexOf(state);
  }
  /** Journaled time of the last datum in the shift. */
  get lastDatumAtMs(): number {
    return this.page.lastDatumAtMs[this.slot]!;
  }
  set lastDatumAtMs(atMs: number) {
    this.page.lastDatumAtMs[this.slot] = atMs;
  }
  /** Minutes before which *certain* isn't asked for again, and before which the rule isn't followed. */
  get tryFrom(): number {
    return this.page.tryFrom[this.slot]!;
  }
  set tryFrom(minute: number) {
    this.page.tryFrom[this.slot] = minute;
  }
  get restsUntil(): number {
    return this.page.restsUntil[this.slot]!;
  }
  set restsUntil(minute: number) {
    this.page.restsUntil[this.slot] = minute;
  }

  /** Last revision given; 0: none. */
  get revision(): number {
    return this.page.judged?.revision[this.slot] ?? 0;
  }
  set revision(revision: number) {
    this.#judged().revision[this.slot] = revision;
  }
  /** Of that revision, hex; empty: none. */
  get resultHash(): string {
    if (this.revision === 0) return '';
    const at = this.slot * HASH_BYTES;
    return Buffer.from(this.#judged().resultHash.buffer, at, HASH_BYTES).toString('hex');
  }
  set resultHash(hex: string) {
    this.#judged().resultHash.set(Buffer.from(hex, 'hex'), this.slot * HASH_BYTES);
  }
  get obstacles(): string {
    return this.page.judged?.obstacles.get(this.slot) ?? '';
  }
  set obstacles(obstacles: string) {
    if (obstacles !== '') this.#judged().obstacles.set(this.slot, obstacles);
    else this.page.judged?.obstacles.delete(this.slot);
  }
  /** Journaled time of the last judgement; 0: none. */
  get evaluatedAtMs(): number {
    return this.page.judged?.evaluatedAtMs[this.slot] ?? 0;
  }
  set evaluatedAtMs(atMs: number) {
    this.#judged().evaluatedAtMs[this.slot] = atMs;
  }
  /** Journaled time of the last late datum or fact not yet judged; null: none. */
  get dirtyAtMs(): number | null {
    const atMs = this.page.judged?.dirtyAtMs[this.slot];
    return atMs === undefined || Number.isNaN(atMs) ? null : atMs;
  }
  set dirtyAtMs(atMs: number | null) {
    this.#judged().dirtyAtMs[this.slot] = atMs ?? Number.NaN;
  }
  #judged(): JudgedPage {
    this.page.judged ??= createJudgedPage();
    return this.page.judged;
  }
}
