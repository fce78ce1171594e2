import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { LimitKind } from '../../src/model/limits.ts';
import { DEFAULT_DETECTOR_SETTINGS } from '../../src/thresholds/detectors/settings.ts';
import { DEFAULT_ENGINE_SETTINGS } from '../../src/thresholds/engine.ts';
import { loadLimitSet } from '../../src/thresholds/limits/limit-set.ts';
import { loadAlarmProfiles } from '../../src/thresholds/profiles/alarm-set-points.ts';
import { loadProfiles } from '../../src/thresholds/profiles/exposure-profile.ts';
import { MONITOR_KINDS } from './detectors/played.ts';

const doc = readFileSync('docs/thresholds.md', 'utf8');

function leaves(value: object, path = ''): [string, unknown][] {
  return Object.entries(value).flatMap(([name, member]: [string, unknown]) => {
    const at = path === '' ? name : `${path}.${name}`;
    return typeof member === 'object' && member !== null
      ? leaves(member, at)
      : [[at, member] as [string, unknown]];
  });
}

describe('docs/thresholds.md', () => {
  it.each(leaves(DEFAULT_DETECTOR_SETTINGS))('says that %s is %s', (path, value) => {
    expect(doc).toContain(`| \`${path}\` | ${value} |`);
  });

  it.each(MONITOR_KINDS)('describes %s', (kind) => {
    expect(doc).toContain(`| \`${kind}\` |`);
  });

  it.each(LimitKind.options)('describes the rule %s', (kind) => {
    expect(doc).toMatch(new RegExp(`^\\| ${kind} \\|`, 'm'));
  });

  it('names every setting of the engine', () => {
    for (const name of Object.keys(DEFAULT_ENGINE_SETTINGS)) expect(doc).toContain(`${name}\``);
  });

  it('counts the rows as they are', () => {
    const { rows } = loadLimitSet();
    const confirmed = rows.filter((row) => row.confirmed).length;
    expect(doc).toContain(`${confirmed} of the ${rows.length} rows are confirmed`);
  });

  it('names every profile', () => {
    for (const { id } of [...loadProfiles(), ...loadAlarmProfiles()]) {
      expect(doc).toContain(`| \`${id}\` |`);
    }
  });
});

describe('docs/limits.md', () => {
  const table = readFileSync('docs/limits.md', 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('| ') && !line.startsWith('| Clause'))
    .filter((line) => line.split('|').length === 6);

  it.each(table)('names files that are there: %s', (line) => {
    const [, clause, data, functions, tests] = line.split('|').map((cell) => cell.trim());
    expect(clause).not.toBe('');
    const files = (cell: string | undefined): string[] =>
      [...(cell ?? '').matchAll(/`([\w./-]+\.(?:ts|json))`/g)].map((match) => match[1]!);
    for (const file of [...files(data), ...files(functions)]) {
      expect(existsSync(`src/thresholds/${file}`), file).toBe(true);
    }
    expect(files(functions).length).toBeGreaterThan(0);
    expect(files(tests).length).toBeGreaterThan(0);
    for (const file of files(tests)) expect(existsSync(`test/thresholds/${file}`), file).toBe(true);
  });

  it('says of every row that is confirmed with a reservation what follows', () => {
    const doc = readFileSync('docs/limits.md', 'utf8');
    const reserved = loadLimitSet().rows.filter(
      (row) => row.validFromNote !== undefined || row.unconfirmedKinds !== undefined,
    );
    for (const { id } of reserved) expect(doc).toContain(`\`${id}\``);
  });

  it.each(LimitKind.options)('has a row for %s', (kind) => {
    expect(table.some((line) => line.includes(` ${kind} `))).toBe(true);
  });
});
