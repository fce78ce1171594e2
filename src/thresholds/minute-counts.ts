import { CELL_SECONDS } from './minute-cell.ts';
import { CONTACT, type MinuteTable } from './minute-table.ts';
import { hasTooManyConflicts } from './verdict.ts';

function sumInContact({ contact }: MinuteTable, seconds: Uint8Array): number {
  let sum = 0;
  for (const [i, n] of seconds.entries()) if (contact[i] === CONTACT) sum += n;
  return sum;
}

/** Share of contact time with a value that is proof, 0–1. */
export const coveredShareOf = (table: MinuteTable): number =>
  sumInContact(table, table.covered) / (table.contactMinutes * CELL_SECONDS);

/** Whether conflicts in contact keep the whole shift at `suspected`. */
export const hasConflictsIn = (table: MinuteTable): boolean =>
  hasTooManyConflicts(sumInContact(table, table.conflicts), table.contactMinutes * CELL_SECONDS);
