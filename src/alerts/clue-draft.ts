import type { CrewId, RegionCode } from '../model/ids.ts';
import type { ClueBody } from './clue-body.ts';
import type { ClueKey } from './clue-no.ts';
import type { EvidenceClaim } from './evidence-claim.ts';
import type { EvidencePackage } from './evidence-package.ts';
import type { Ledger } from './ledger.ts';
import { type ClueMove, type ClueState, step } from './lifecycle.ts';

export type ClueEventType =
  | 'OPENED'
  | 'PARKED'
  | 'FIT'
  | 'CHANGED'
  | 'CONTRADICTED'
  | 'WITHDRAWN'
  | 'REOPENED'
  | 'RELEASED'
  | 'KEY_CONFLICT'
  | 'ACKED'
  | 'PUSH_FAILED';

export interface ClueEvent {
  readonly type: ClueEventType;
  readonly atMs: number;
  readonly reason: string;
  readonly detail: unknown;
}

/**
 * What a clue's row keeps in `body`: what was released last (before the first release, what waits or
 * is parked), the revision that waits to follow it, and the shifts behind both.
 */
export type StoredBody = ClueBody & {
  readonly pending: ClueBody | null;
  readonly ledger: Ledger;
};

/** A clue while one journal entry changes it; saved as a whole. */
export interface ClueDraft {
  readonly clueNo: string;
  readonly key: ClueKey;
  readonly region: RegionCode;
  readonly crew: CrewId;
  readonly shiftStartMs: number;
  readonly openedPos: number;
  /** Position of the last entry that changed it: an entry taken before is not taken again. */
  readonly takenPos: number;
  state: ClueState;
  /** Number of the revision being prepared, or of the last one released; 0: never fit. */
  revision: number;
  dueAtMs: number;
  ledger: Ledger;
  /** As released last; before the first release, what waits or is parked. */
  body: ClueBody;
  /** The revision that waits to follow a released one; null: none does. */
  pending: ClueBody | null;
  readonly events: ClueEvent[];
  readonly packages: EvidencePackage[];
  /** Raw payloads to keep for them. */
  readonly claims: EvidenceClaim[];
  /** The revision that this entry releases, if any. */
  release: { readonly revision: number; readonly body: ClueBody } | null;
}

/** Moves the clue on. Throws when the move is not allowed: the callers decide by state. */
export function move(clue: ClueDraft, name: ClueMove): void {
  const next = step(clue.state, name);
  if (next === null) throw new Error(`Cannot ${name} clue ${clue.clueNo} in state ${clue.state}`);
  clue.state = next;
}
