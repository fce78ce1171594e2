import { appendFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { EvidenceUpdate } from '../src/alerts/evidence-update.ts';

/** One revision of a clue as the platform took it. */
export interface ReceivedClue {
  readonly clueNo: string;
  readonly revision: number;
  readonly platformNo: string;
  readonly behaviorCode: string;
  readonly idempotencyKey: string;
  /** Of the body's bytes. */
  readonly bodySha256: string;
  readonly receivedAtMs: number;
  readonly body: Readonly<Record<string, unknown>>;
}

/** What the hub told of the seals behind a package. */
export interface ReceivedEvidence {
  readonly idempotencyKey: string;
  readonly bodySha256: string;
  readonly body: EvidenceUpdate;
}

export type TakeOutcome =
  | { readonly kind: 'created' | 'repeated'; readonly clue: ReceivedClue }
  | { readonly kind: 'other-body'; readonly clue: ReceivedClue };

export interface PlatformStore {
  /** Takes a revision once: the same key with the same bytes again gives what it gave before. */
  take(revision: Omit<ReceivedClue, 'platformNo' | 'behaviorCode'>): TakeOutcome;
  /** Takes what is told of evidence, once a key; false: it was told otherwise. */
  takeEvidence(update: ReceivedEvidence): boolean;
  /** All of it, in the order of arrival; it does not outlive a restart. */
  evidence(): readonly ReceivedEvidence[];
  /** The highest revision held of a clue. */
  latest(clueNo: string): ReceivedClue | undefined;
  /** Everything held, in the order of arrival. */
  all(): readonly ReceivedClue[];
}

/**
 * Clues by idempotency key. With a state file each taken revision is a line of JSON there, written
 * before it counts as taken, and read at the next start.
 */
export function createPlatformStore(stateFile: string | undefined): PlatformStore {
  const byKey = new Map<string, ReceivedClue>();
  const latest = new Map<string, ReceivedClue>();
  const evidence = new Map<string, ReceivedEvidence>();
  const hold = (clue: ReceivedClue): void => {
    byKey.set(clue.idempotencyKey, clue);
    const held = latest.get(clue.clueNo);
    if (held === undefined || held.revision < clue.revision) latest.set(clue.clueNo, clue);
  };
  if (stateFile !== undefined) {
    mkdirSync(dirname(stateFile), { recursive: true });
    for (const clue of readState(stateFile)) hold(clue);
  }
  return {
    take(revision) {
      const held = byKey.get(revision.idempotencyKey);
      if (held !== undefined) {
        const same = held.bodySha256 === revision.bodySha256;
        return { kind: same ? 'repeated' : 'other-body', clue: held };
      }
      // One case of the platform per clue, whatever the number of its revisions.
      const numbers = latest.get(revision.clueNo) ?? numbersOf(latest.size + 1);
      const { platformNo, behaviorCode } = numbers;
      const clue: ReceivedClue = { ...revision, platformNo, behaviorCode };
      if (stateFile !== undefined) appendFileSync(stateFile, `${JSON.stringify(clue)}\n`);
      hold(clue);
      return { kind: 'created', clue };
    },
    takeEvidence(update) {
      const held = evidence.get(update.idempotencyKey);
      if (held === undefined) evidence.set(update.idempotencyKey, update);
      return held === undefined || held.bodySha256 === update.bodySha256;
    },
    evidence: () => [...evidence.values()],
    latest: (clueNo) => latest.get(clueNo),
    all: () => [...byKey.values()],
  };
}

/** Both number formats are invented: no public document gives the platform's. */
const numbersOf = (count: number): { platformNo: string; behaviorCode: string } => {
  const digits = String(count).padStart(6, '0');
  return { platformNo: `SIM-ZF-${digits}`, behaviorCode: `SIM-XW-${digits}` };
};

function readState(stateFile: string): ReceivedClue[] {
  if (!existsSync(stateFile)) return [];
  const text = readFileSync(stateFile, 'utf8');
  // A line without its end was being written when the process died, and was never answered.
  const whole = text.slice(0, text.lastIndexOf('\n') + 1);
  if (whole !== text) writeFileSync(stateFile, whole);
  const lines = whole.split('\n').slice(0, -1);
  return lines.map((line) => JSON.parse(line) as ReceivedClue);
}
