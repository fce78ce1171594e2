import { sql, type Transaction } from 'kysely';
import type { Database } from './schema.ts';

/**
 * SQLSTATE classes that say that the data are at fault, so that another try gives the same: 22 data
 * exception, 23 integrity constraint violation, 54 program limit exceeded.
 */
const DATA_CLASSES = ['22', '23', '54'];

function isDataError(error: unknown): error is Error & { code: string } {
  const { code } = error as { code?: unknown };
  return typeof code === 'string' && code.length === 5 && DATA_CLASSES.includes(code.slice(0, 2));
}

/**
 * What another try would meet again, in words: data that the database refuses, or a fault of our own.
 * Null: the database or the way to it is at fault, and another try may go well.
 */
export async function lastingFaultOf(
  tx: Transaction<Database>,
  error: unknown,
): Promise<string | null> {
  if (isDataError(error)) return `${error.code} ${error.message}`;
  // After an error of the database or of the way to it, nothing is answered in this transaction.
  const isAnswering = await sql`select 1`.execute(tx).then(
    () => true,
    () => false,
  );
  if (!isAnswering) return null;
  return `fault ${error instanceof Error ? error.message : String(error)}`;
}

/**
 * Does `work` behind a savepoint: all of it and null, or nothing of it and what another try would meet
 * again. Throws what another try may not meet; the transaction is lost then.
 */
export async function tryInPart(
  tx: Transaction<Database>,
  work: () => Promise<void>,
): Promise<string | null> {
  await sql`savepoint part`.execute(tx);
  try {
    await work();
    await sql`release savepoint part`.execute(tx);
    return null;
  } catch (error) {
    const fault = await lastingFaultOf(tx, error);
    if (fault === null) throw error;
    await sql`rollback to savepoint part`.execute(tx);
    return fault;
  }
}
