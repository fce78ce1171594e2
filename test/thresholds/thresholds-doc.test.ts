import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { MONITOR_KINDS } from '../../src/model/exposure.ts';
import { LimitKind } from '../../src/model/limits.ts';
import { DEFAULT_DETECTOR_SETTINGS } from '../../src/thresholds/detectors/settings.ts';
import { DEFAULT_ENGINE_SETTINGS } from '../../src/thresholds/engine.ts';
import { loadLimitSet } from '../../src/thresholds/limits/limit-set.ts';
import { loadAlarmProfiles } from '../../src/thresholds/profiles/alarm-set-points.ts';
import { loadProfiles } from '../../src/thresholds/profiles/exposure-profile.ts';

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
  const rows = readFileSync('docs/limits.md', 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('| ') && !line.startsWith('| Clause'))
    .map((line) => {
      const cells = line.split('|').map((cell) => cell.trim());
      const [, clause, data, functions, tests, scenarios] = cells as [string, ...string[]];
      return { clause: clause!, data: data!, functions: functions!, tests: tests!, scenarios };
    });
  const read = (file: string): string => readFileSync(file, 'utf8');
  const found = (cell: string, pattern: RegExp): string[][] =>
    [...cell.matchAll(pattern)].map((match) => match.slice(1));

  it.each(rows)('$clause: its data are there', ({ clause, data }) => {
    expect(clause).not.toBe('');
    for (const [file] of found(data, /`([\w./-]+\.json)`/g)) {
      expect(existsSync(`src/thresholds/${file}`), file).toBe(true);
    }
  });

  it.each(rows)('$clause: its functions are exported where it says', ({ functions }) => {
    const named = found(functions, /`(\w+)\(\)` in `([\w./-]+\.ts)`/g);
    expect(named).toHaveLength(functions.split(', ').length);
    for (const [name, file] of named) {
      const exported = new RegExp(`^export (function|const) ${name}\\b`, 'm');
      expect(read(`src/thresholds/${file}`), `${name}() in ${file}`).toMatch(exported);
    }
  });

  it.each(rows)('$clause: its tests have that name', ({ tests }) => {
    const named = found(tests, /`([\w.-]+\.test\.ts)`: ([^`]+?)(?=,? `|$)/g);
    expect(named.length).toBeGreaterThan(0);
    for (const [file, title] of named) {
      const text = read(`test/thresholds/${file}`);
      expect(text, `${title} in ${file}`).toContain(`('${title!.replace(/,$/, '')}`);
    }
  });

  it.each(rows.filter(({ scenarios }) => scenarios !== '–'))(
    '$clause: its scenarios are there',
    ({ scenarios }) => {
      const named = found(scenarios ?? '', /`([\w-]+)`/g);
      expect(named.length).toBeGreaterThan(0);
      for (const [name] of named) {
        expect(existsSync(`test/thresholds/scenarios/${name}.yaml`), name).toBe(true);
      }
    },
  );

  it.each(LimitKind.options)('has a row for %s', (kind) => {
    expect(rows.some(({ clause }) => clause.includes(` ${kind} `))).toBe(true);
  });
});
