import { readFileSync } from 'node:fs';

export const readDoc = (file: string): string => readFileSync(file, 'utf8');

/** Text below a heading, up to the next one of its level or above. Throws when there is none. */
export function sectionOf(text: string, heading: string): string {
  const lines = text.split('\n');
  const start = lines.indexOf(heading);
  if (start < 0) throw new Error(`Cannot find the heading "${heading}"`);
  const level = heading.indexOf(' ');
  let isCode = false;
  const end = lines.findIndex((line, i) => {
    if (line.startsWith('```')) isCode = !isCode;
    if (i <= start || isCode) return false;
    const hashes = /^(#+) /.exec(line)?.[1]?.length;
    return hashes !== undefined && hashes <= level;
  });
  return lines.slice(start + 1, end < 0 ? undefined : end).join('\n');
}

/** Rows of all tables in a text, as cells; head and rule left out. */
export const rowsOf = (text: string): string[][] =>
  text
    .split('\n')
    .filter((line, i, lines) => line.startsWith('|') && !/^\|[-|: ]+$/.test(lines[i + 1] ?? ''))
    .filter((line) => !/^\|[-|: ]+$/.test(line))
    .map((line) => line.slice(1, -1).split(/(?<!\\)\|/))
    .map((cells) => cells.map((cell) => cell.trim()));

/** What stands in backticks in a cell. */
export const codesIn = (cell: string | undefined): string[] =>
  [...(cell ?? '').matchAll(/`([^`]+)`/g)].map((match) => match[1] as string);

/** Names in backticks in the first column of a section's tables. */
export const namesIn = (text: string): string[] =>
  rowsOf(text).flatMap(([first]) => codesIn(first));

/** Contents of fenced blocks whose info string is `info`. */
export const blocksOf = (text: string, info: string): string[] =>
  [...text.matchAll(/^```(.*)\n([\s\S]*?)^```$/gm)]
    .filter((match) => match[1] === info)
    .map((match) => match[2] as string);
