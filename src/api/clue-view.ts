import { z } from 'zod';
import { ClueBody } from '../alerts/clue-body.ts';
import { FactorView, factorView } from './factor-names.ts';
import { EnterpriseView, Millis, NamedView, TIME_ZONE_DEFAULT } from './views.ts';

const { limit, observed, exposureBasis, evidenceLevel, status, priority } = ClueBody.shape;

/** A clue as lists show it. */
export const ClueView = z.object({
  clueNo: z.string(),
  revision: z
    .int()
    .describe(
      'Of what is shown: the last one released; before the first release, the one that waits. ' +
        '0: nothing in it is fit to push',
    ),
  kind: z.string(),
  state: z.string(),
  status: status.describe('NOT_STANDING: the exceedance that it tells of does not stand any more'),
  priority,
  enterprise: EnterpriseView,
  region: z.string(),
  post: NamedView,
  crew: z.string(),
  factor: FactorView,
  limitKind: z.string(),
  limit,
  observed: observed.describe('As in `revision`'),
  exposureBasis,
  evidenceLevel,
  shiftStartMs: Millis.describe('Start of the shift that opened the clue'),
  firstExceedAtMs: Millis.nullable(),
  lastExceedAtMs: Millis.nullable(),
  dueAtMs: Millis.describe(
    'From when the latest revision may be pushed, the one that waits included',
  ),
  platformNo: z.string().nullable(),
  behaviorCode: z.string().nullable(),
  evidenceId: z.string().nullable().describe('Package from which `observed` can be recomputed'),
  pending: z
    .object({
      revision: z.int(),
      dueAtMs: Millis,
      status,
      crew: z.string(),
      observed,
      evidenceId: z.string().nullable(),
    })
    .nullable()
    .describe('The revision that waits to follow the one shown, as it is now; null: none waits'),
  push: z
    .object({
      revision: z.int(),
      state: z.enum(['pending', 'sent', 'superseded', 'dead']),
      attempts: z.int(),
      lastError: z.string().nullable(),
    })
    .nullable()
    .describe('Sending of the latest revision that was released'),
});
export type ClueView = z.infer<typeof ClueView>;

/** A row of `enforcement.clue` with what is joined to it. */
export interface ClueRow {
  readonly clue_no: string;
  readonly kind: string;
  readonly state: string;
  readonly enterprise: string;
  readonly region: string;
  readonly post: string;
  readonly factor: string;
  readonly limit_kind: string;
  readonly shift_start_ms: number;
  readonly due_at_ms: number;
  /** The clue body, with what alerts keep beside it. */
  readonly body: ClueBody & { readonly pending?: ClueBody | null; readonly ledger?: unknown };
  readonly platform_no: string | null;
  readonly behavior_code: string | null;
  readonly opened_pos: number;
  readonly time_zone: string | null;
  readonly push: ClueView['push'];
}

export function toClueView(row: ClueRow): ClueView {
  const { body } = row;
  return {
    clueNo: row.clue_no,
    revision: body.revision,
    kind: row.kind,
    state: row.state,
    status: body.status,
    priority: body.priority,
    enterprise: {
      uscc: row.enterprise,
      name: body.enterprise.name,
      timeZone: row.time_zone ?? TIME_ZONE_DEFAULT,
    },
    region: row.region,
    post: body.post,
    crew: body.crew,
    factor: factorView(row.factor),
    limitKind: row.limit_kind,
    limit: body.limit,
    observed: body.observed,
    exposureBasis: body.exposureBasis,
    evidenceLevel: body.evidenceLevel,
    shiftStartMs: row.shift_start_ms,
    firstExceedAtMs: body.firstExceedAt,
    lastExceedAtMs: body.lastExceedAt,
    dueAtMs: row.due_at_ms,
    platformNo: row.platform_no,
    behaviorCode: row.behavior_code,
    evidenceId: body.evidence?.packageId ?? null,
    pending: pendingView(row),
    push: row.push,
  };
}

function pendingView({ body: { pending }, due_at_ms }: ClueRow): ClueView['pending'] {
  if (pending === undefined || pending === null) return null;
  const { revision, status: pendingStatus, crew, observed: pendingObserved, evidence } = pending;
  return {
    revision,
    dueAtMs: due_at_ms,
    status: pendingStatus,
    crew,
    observed: pendingObserved,
    evidenceId: evidence?.packageId ?? null,
  };
}
