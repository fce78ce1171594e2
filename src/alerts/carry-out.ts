import type { Signal } from '../model/exposure.ts';
import type { RuleInputs } from '../thresholds/rule-inputs.ts';
import { type ClueDraft, move } from './clue-draft.ts';
import { composeBody } from './compose.ts';
import type { Decision } from './decision.ts';
import { dueAtMs } from './due.ts';
import { claimOf } from './evidence-claim.ts';
import { makePackage } from './evidence-package.ts';
import {
  findEntry,
  keptResult,
  type LedgerEntry,
  nextDueMs,
  putEntry,
  releaseDue,
  removeEntry,
  shownEntries,
  toldOf,
} from './ledger.ts';
import type { AlertSettings } from './settings.ts';

export type ExceedanceSignal = Extract<Signal, { kind: 'OVER_LIMIT' | 'OVER_LIMIT_WITHDRAWN' }>;

type Act = Exclude<Decision, { do: 'nothing' }>;

const EVENT_OF = {
  park: 'PARKED',
  contradict: 'CONTRADICTED',
  drop: 'WITHDRAWN',
} as const satisfies Record<Exclude<Act['do'], 'accept'>, string>;

/**
 * Changes the clue as decided. After `park` and `drop` the caller still settles its state: where it
 * goes when nothing waits any more depends on what was released.
 */
export function carryOut(
  clue: ClueDraft,
  decision: Act,
  signal: ExceedanceSignal,
  learntAtMs: number,
  settings: AlertSettings,
): void {
  const { result } = signal;
  if (decision.do === 'drop') clue.ledger = removeEntry(clue.ledger, result.resultKey);
  else clue.ledger = putEntry(clue.ledger, entryOf(clue, decision, signal, learntAtMs, settings));
  const reasons = decision.do === 'accept' ? [decision.change] : decision.reasons;
  clue.events.push({
    type:
      decision.do !== 'accept'
        ? EVENT_OF[decision.do]
        : decision.change === 'first-fit'
          ? 'FIT'
          : 'CHANGED',
    atMs: learntAtMs,
    reason: reasons.join(', '),
    detail: {
      signalKey: signal.signalKey,
      resultKey: result.resultKey,
      resultHash: result.resultHash,
      verdict: result.verdict,
      lowerBound: result.window.lowerBound,
    },
  });
  if (decision.do === 'accept' || decision.do === 'contradict') move(clue, 'PASS');
}

function entryOf(
  clue: ClueDraft,
  decision: Exclude<Act, { do: 'drop' }>,
  signal: ExceedanceSignal,
  learntAtMs: number,
  { waits }: AlertSettings,
): LedgerEntry {
  const { result } = signal;
  const known = findEntry(clue.ledger, result.resultKey);
  const toldAs = toldOf(known);
  const base = {
    result: keptResult(result),
    releasedIn: known?.releasedIn ?? null,
    ...(toldAs && { toldAs }),
  };
  if (decision.do === 'park') {
    const parked = { standing: false, unsent: false, dueAtMs: 0, evidence: null };
    return { ...base, ...parked, reasons: decision.reasons };
  }
  const pack = makePackage({
    schemaVersion: 1,
    clueNo: clue.clueNo,
    revision: clue.ledger.released + 1,
    result,
    inputs: signal.kind === 'OVER_LIMIT' ? signal.inputs : null,
  });
  clue.packages.push(pack);
  if (signal.kind === 'OVER_LIMIT') {
    const claim = claimOf(pack.packageId, signal.inputs as RuleInputs);
    if (claim !== null) clue.claims.push(claim);
  }
  const evidence = { packageId: pack.packageId, sm3: pack.sm3, bytes: pack.bytes };
  return decision.do === 'accept'
    ? {
        ...base,
        standing: true,
        unsent: true,
        reasons: [],
        evidence,
        dueAtMs: dueAtMs(result, learntAtMs, waits),
      }
    : {
        ...base,
        standing: false,
        unsent: true,
        reasons: decision.reasons,
        evidence,
        // What speaks for the company doesn't wait.
        dueAtMs: learntAtMs,
        releasedIn: base.releasedIn ?? clue.ledger.released,
      };
}

/** Takes what is due out of a waiting clue as its next revision; false: nothing is due. */
export function releaseClue(clue: ClueDraft, nowMs: number, settings: AlertSettings): boolean {
  const due = releaseDue(clue.ledger, nowMs);
  if (due === null) return false;
  clue.ledger = due.ledger;
  const revision = due.ledger.released;
  const body = composeBody({
    clueNo: clue.clueNo,
    revision,
    place: clue.ledger.place,
    told: due.told,
    fresh: due.fresh,
    agency: settings.agency,
    evidenceUrl: settings.evidenceUrl,
  });
  clue.release = { revision, body };
  clue.body = body;
  move(clue, 'RELEASE');
  if (nextDueMs(clue.ledger) !== null) move(clue, 'PASS');
  clue.events.push({
    type: 'RELEASED',
    atMs: nowMs,
    reason: `revision ${revision}`,
    detail: { idempotencyKey: `${clue.clueNo}-${revision}`, status: body.status },
  });
  return true;
}

/**
 * Brings the clue's number, time and bodies in line with its shifts. What was released is never
 * composed anew: the clue must go on saying what the platform was told.
 */
export function refresh(clue: ClueDraft, settings: AlertSettings): void {
  const next = nextDueMs(clue.ledger);
  const shown = shownEntries(clue.ledger);
  clue.revision = clue.ledger.released + (next === null ? 0 : 1);
  clue.dueAtMs = next ?? clue.dueAtMs;
  clue.pending = null;
  const wasReleased = clue.ledger.released > 0;
  if (wasReleased && next === null) return;
  // A withdrawn clue goes on showing what it was opened for.
  if (shown.length === 0) return;
  const body = composeBody({
    clueNo: clue.clueNo,
    revision: clue.revision,
    place: clue.ledger.place,
    told: shown,
    fresh: shown.filter(({ unsent }) => unsent),
    agency: settings.agency,
    evidenceUrl: settings.evidenceUrl,
  });
  if (wasReleased) clue.pending = body;
  else clue.body = body;
}
