import { z } from 'zod';
import { ApiError } from './errors.ts';

/** Rows of one page at most; more is refused with INVALID_REQUEST. */
export const PAGE_ROWS_MAX = 200;
const PAGE_ROWS_DEFAULT = 50;
const CURSOR_CHARS_MAX = 1_000;

/** Query members of every list: how many rows, and after which row. */
export const PageQuery = {
  limit: z.coerce.number().int().min(1).max(PAGE_ROWS_MAX).default(PAGE_ROWS_DEFAULT),
  cursor: z.string().max(CURSOR_CHARS_MAX).optional(),
};

export const NextCursor = z
  .string()
  .nullable()
  .describe('Pass as `cursor` for the next page; null: this is the last one.');

/** A cursor is the sort key of the last row, opaque to clients. */
const encodeCursor = (key: readonly (string | number)[]): string =>
  Buffer.from(JSON.stringify(key)).toString('base64url');

/** The sort key in a cursor. Throws INVALID_CURSOR when it is not one of this list. */
export function decodeCursor<Schema extends z.ZodType>(
  cursor: string | undefined,
  schema: Schema,
): z.infer<Schema> | undefined {
  if (cursor === undefined) return undefined;
  let key: unknown;
  try {
    key = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'));
  } catch {
    throw new ApiError('INVALID_CURSOR', `Cannot read cursor ${cursor}: not made by this list`);
  }
  const parsed = schema.safeParse(key);
  if (!parsed.success || !isStorable(key)) {
    throw new ApiError('INVALID_CURSOR', `Cannot read cursor ${cursor}: not made by this list`);
  }
  return parsed.data;
}

/** Whether the texts of a key are such as the database can hold: no list made another. */
const isStorable = (key: unknown): boolean =>
  !Array.isArray(key) ||
  key.every((part) => typeof part !== 'string' || (part.isWellFormed() && !part.includes('\0')));

/** Cuts a page out of `limit + 1` fetched rows. */
export function pageOf<Row>(
  rows: readonly Row[],
  limit: number,
  keyOf: (row: Row) => readonly (string | number)[],
): { rows: readonly Row[]; nextCursor: string | null } {
  const page = rows.slice(0, limit);
  const last = page.at(-1);
  return {
    rows: page,
    nextCursor: rows.length > limit && last !== undefined ? encodeCursor(keyOf(last)) : null,
  };
}
