import type pg from 'pg';
import { answerWithin } from '../process/answer-within.ts';

/** A database that hangs is one that is away. */
const ANSWER_MS_MAX = 3_000;

type DatabaseProbe = () => Promise<{ readonly ok: boolean; readonly detail: string }>;

/**
 * Whether the database answers. One question at a time, however many want to know: one that hangs costs
 * one connection.
 */
export function createDatabaseProbe(pool: pg.Pool): DatabaseProbe {
  let asking: Promise<unknown> | undefined;
  const ask = (): Promise<unknown> => {
    asking ??= pool.query('select 1').finally(() => {
      asking = undefined;
    });
    return asking;
  };
  return () =>
    answerWithin(ask(), ANSWER_MS_MAX).then(
      (answer) =>
        answer === null
          ? { ok: false, detail: `no answer in ${ANSWER_MS_MAX} ms` }
          : { ok: true, detail: 'answers' },
      (error: Error) => ({ ok: false, detail: error.message }),
    );
}
