import type { Transaction } from 'kysely';
import type { Database } from '../database/schema.ts';
import { canonicalJson } from '../model/digest.ts';
import type { RuleSubject, ShiftResult } from '../model/exposure.ts';
import { carryOut, type ExceedanceSignal } from './carry-out.ts';
import { type ClueDraft, move } from './clue-draft.ts';
import { type ClueKey, clueNumber } from './clue-no.ts';
import { readPlace } from './clue-place.ts';
import { loadClue, loadOpenClue, readLastRelease } from './clue-store.ts';
import { composeBody } from './compose.ts';
import { type Decision, decideOverLimit, decideWithdrawn } from './decision.ts';
import type { EntryPlace } from './due-watch.ts';
import { evidenceCheck } from './evidence-check.ts';
import { type CluePlace, emptyLedger, keptResult, nextDueMs } from './ledger.ts';
import type { ClueMove } from './lifecycle.ts';
import type { AlertSettings } from './settings.ts';

type Tx = Transaction<Database>;

export interface TakeContext {
  readonly settings: AlertSettings;
  /** Clues that this entry has changed so far, by key. */
  readonly drafts: Map<string, ClueDraft>;
  /** A number that another clue has already, or the like: kept as it was, counted, told. */
  onAlarm(reason: string, detail: object): void;
}

const keyOf = (subject: RuleSubject): ClueKey => ({
  enterprise: subject.enterprise,
  post: subject.post,
  factor: subject.factor,
  limitKind: subject.limitKind,
  kind: 'OVER_LIMIT',
});

/** Takes one signal into its clue, opening one when none is open; taking it again is a no-op. */
export async function takeSignal(
  tx: Tx,
  at: EntryPlace,
  signal: ExceedanceSignal,
  context: TakeContext,
): Promise<void> {
  const { result } = signal;
  const key = keyOf(result.subject);
  const name = canonicalJson(key);
  const place = await readPlace(tx, at, result.subject);
  const clue =
    context.drafts.get(name) ??
    (await loadOpenClue(tx, key)) ??
    (signal.kind === 'OVER_LIMIT'
      ? await openClue(tx, at, signal, key, place, context)
      : undefined);
  if (clue === undefined || (clue.takenPos >= at.pos && !context.drafts.has(name))) return;
  const decision = decide(clue, signal, place);
  if (decision.do === 'nothing') return;
  if (place !== undefined) clue.ledger = { ...clue.ledger, place };
  carryOut(clue, decision, signal, at.receivedAtMs, context.settings);
  if (decision.do === 'park' || decision.do === 'drop') await settle(tx, clue);
  context.drafts.set(name, clue);
}

function decide(clue: ClueDraft, signal: ExceedanceSignal, place: CluePlace | undefined): Decision {
  if (signal.kind === 'OVER_LIMIT_WITHDRAWN') return decideWithdrawn(clue.ledger, signal.result);
  const reasons = evidenceCheck(signal);
  if (place === undefined) reasons.push('place-not-registered');
  return decideOverLimit(clue.ledger, signal, reasons);
}

/** A new clue, or the withdrawn one of the same number; undefined: the number is another clue's. */
async function openClue(
  tx: Tx,
  at: EntryPlace,
  { result }: Extract<ExceedanceSignal, { kind: 'OVER_LIMIT' }>,
  key: ClueKey,
  known: CluePlace | undefined,
  { settings, onAlarm }: TakeContext,
): Promise<ClueDraft | undefined> {
  const { subject } = result;
  const place = known ?? unknownPlace(subject);
  const clueNo = clueNumber(key, {
    region: subject.region,
    shiftStartMs: subject.shift.startMs,
    timeZone: place.timeZone,
  });
  const there = await loadClue(tx, clueNo);
  if (there !== undefined) {
    if (canonicalJson(there.key) !== canonicalJson(key)) {
      onAlarm('clue number taken by another key', { clueNo, key });
      return undefined;
    }
    if (there.takenPos >= at.pos) return undefined;
    move(there, 'REOPEN');
    there.events.push({ type: 'REOPENED', atMs: at.receivedAtMs, reason: 'signal', detail: null });
    return there;
  }
  return {
    clueNo,
    key,
    region: subject.region,
    crew: subject.crew,
    shiftStartMs: subject.shift.startMs,
    openedPos: at.pos,
    takenPos: 0,
    state: 'CANDIDATE',
    revision: 0,
    dueAtMs: at.receivedAtMs,
    ledger: emptyLedger(place),
    body: openingBody(clueNo, result, place, settings),
    pending: null,
    events: [{ type: 'OPENED', atMs: at.receivedAtMs, reason: 'signal', detail: null }],
    packages: [],
    claims: [],
    release: null,
  };
}

const unknownPlace = (subject: RuleSubject): CluePlace => ({
  enterpriseName: subject.enterprise,
  timeZone: 'Asia/Shanghai',
  postName: subject.post,
  exposedWorkers: 0,
  location: '',
});

function openingBody(
  clueNo: string,
  result: ShiftResult,
  place: CluePlace,
  { agency, evidenceUrl }: AlertSettings,
): ClueDraft['body'] {
  const candidate = { standing: false, unsent: false, dueAtMs: 0, releasedIn: null, reasons: [] };
  const told = [{ ...candidate, result: keptResult(result), evidence: null }];
  return composeBody({ clueNo, revision: 0, place, told, fresh: [], agency, evidenceUrl });
}

const SETTLED: Readonly<Record<'pending' | 'sent' | 'superseded' | 'dead', ClueMove>> = {
  pending: 'SETTLE_PENDING',
  superseded: 'SETTLE_PENDING',
  sent: 'SETTLE_SENT',
  dead: 'SETTLE_DEAD',
};

/** A shift fell away: when nothing waits any more, the clue stands as its releases left it. */
async function settle(tx: Tx, clue: ClueDraft): Promise<void> {
  if (nextDueMs(clue.ledger) !== null) return;
  if (clue.ledger.released === 0) {
    move(clue, clue.ledger.entries.length > 0 ? 'PARK' : 'WITHDRAW');
  } else if (clue.state === 'READY') {
    const last = await readLastRelease(tx, clue.clueNo);
    if (last !== undefined) move(clue, SETTLED[last]);
  }
}
