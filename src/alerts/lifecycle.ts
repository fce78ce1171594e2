/**
 * - CANDIDATE: a signal opened it; the technical gate decides next.
 * - PARKED: the gate found reasons against a push; shown, never sent.
 * - READY: fit, waits until it is due.
 * - PUSHING: released to the outbox.
 * - ACKED: the platform holds the latest revision; what follows is the platform's truth.
 * - PUSH_FAILED: the platform refused it for good; an operator must look.
 * - WITHDRAWN: the exceedance did not stand before anything was released.
 */
export type ClueState =
  | 'CANDIDATE'
  | 'PARKED'
  | 'READY'
  | 'PUSHING'
  | 'ACKED'
  | 'PUSH_FAILED'
  | 'WITHDRAWN';

/**
 * PASS: something fit waits to be sent. PARK, WITHDRAW: nothing of it stands and nothing was
 * released. SETTLE_…: what was unsent fell away; the clue is again as its last released revision
 * left it.
 */
export type ClueMove =
  | 'PASS'
  | 'PARK'
  | 'WITHDRAW'
  | 'REOPEN'
  | 'RELEASE'
  | 'ACKNOWLEDGE'
  | 'REFUSE'
  | 'SETTLE_PENDING'
  | 'SETTLE_SENT'
  | 'SETTLE_DEAD';

/** Allowed moves; everything else is refused. */
export const CLUE_MOVES = {
  CANDIDATE: { PASS: 'READY', PARK: 'PARKED' },
  PARKED: { PASS: 'READY', PARK: 'PARKED', WITHDRAW: 'WITHDRAWN' },
  READY: {
    PASS: 'READY',
    PARK: 'PARKED',
    WITHDRAW: 'WITHDRAWN',
    RELEASE: 'PUSHING',
    SETTLE_PENDING: 'PUSHING',
    SETTLE_SENT: 'ACKED',
    SETTLE_DEAD: 'PUSH_FAILED',
  },
  PUSHING: { PASS: 'READY', ACKNOWLEDGE: 'ACKED', REFUSE: 'PUSH_FAILED' },
  ACKED: { PASS: 'READY' },
  PUSH_FAILED: { PASS: 'READY' },
  WITHDRAWN: { REOPEN: 'CANDIDATE' },
} as const satisfies Record<ClueState, Partial<Record<ClueMove, ClueState>>>;

/** The state after a move; null: the move is not allowed in this state. */
export const step = (state: ClueState, move: ClueMove): ClueState | null =>
  (CLUE_MOVES[state] as Partial<Record<ClueMove, ClueState>>)[move] ?? null;
