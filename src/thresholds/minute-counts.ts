import { CELL_SECONDS } from './minute-cell.ts';
import { CONTACT, type MinuteTable } from './minute-table.ts';
import { hasTooManyConflicts } from './verdict.ts';

/** Seconds of a minute of contact that are exposure as far as is known: without those of known absence. */
export const exposedSecondsAt = ({ absent }: MinuteTable, index: number): number =>
  CELL_SECONDS - (absent?.[index] ?? 0);

/** Seconds of planned contact in which nobody was there by the record. */
export const absentSecondsOf = (table: MinuteTable): number =>
  table.absent === undefined ? 0 : sumInContact(table, table.absent);

/** Seconds of contact without those of known absence: what must be seen. */
export const exposedSecondsOf = (table: MinuteTable): number =>
  table.contactMinutes * CELL_SECONDS - absentSecondsOf(table);

function sumInContact({ contact }: MinuteTable, seconds: Uint8Array): number {
  let sum = 0;
  for (const [i, n] of seconds.entries()) if (contact[i] === CONTACT) sum += n;
  return sum;
}

/** Share of contact time with a value that is proof, 0–1; with nobody there nothing is unseen. */
export function coveredShareOf(table: MinuteTable): number {
  const exposed = exposedSecondsOf(table);
  return exposed === 0 ? 1 : sumInContact(table, table.covered) / exposed;
}

/**
 * Whether conflicts in contact (planned: losing the presence record must not lift the cap) keep the
 * whole shift at `suspected`.
 */
export const hasConflictsIn = (table: MinuteTable): boolean =>
  hasTooManyConflicts(sumInContact(table, table.conflicts), table.contactMinutes * CELL_SECONDS);
