import { InvalidArgumentError } from 'commander';
import { type RegisterSpan, RegisterTable } from '../src/gateway/point-types.ts';

/** Reads `table:address` or `table:address:words`, e.g. `holding:100:2`. */
export function placeArgument(text: string, before: RegisterSpan[] = []): RegisterSpan[] {
  const [name, address, words = '1'] = text.split(':');
  const table = RegisterTable.safeParse(name);
  const span = { address: Number(address), words: Number(words) };
  const isPlace =
    table.success &&
    Number.isInteger(span.address) &&
    Number.isInteger(span.words) &&
    span.address >= 0 &&
    span.words >= 1 &&
    span.words <= 125 &&
    span.address + span.words <= 65_536;
  if (!isPlace) {
    throw new InvalidArgumentError('expected table:address:words, e.g. holding:100:2');
  }
  return [...before, { table: table.data, ...span }];
}
