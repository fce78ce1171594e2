import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import packageJson from '../../package.json' with { type: 'json' };
import { readDoc } from './markdown.ts';

const IMAGE_BYTES_MAX = 300_000;

const pages = [
  'README.md',
  'CONTRIBUTING.md',
  'CHANGELOG.md',
  ...readdirSync('docs', { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.md'))
    .map((file) => `docs/${file}`),
];

/** The fragment that GitHub gives a heading. */
const anchorOf = (heading: string): string =>
  heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-');

const anchorsOf = (file: string): string[] =>
  [...readDoc(file).matchAll(/^#+ (.*)$/gm)].map((match) => anchorOf(match[1] as string));

/** Targets of links and images, those of other hosts left out. */
const linksOf = (file: string): string[] =>
  [...readDoc(file).matchAll(/\]\(([^)\s]+)\)/g)]
    .map((match) => match[1] as string)
    .filter((target) => !/^https?:/.test(target));

describe('the pages', () => {
  it.each(pages)('have no dead link: %s', (page) => {
    const dead = linksOf(page).filter((target) => {
      const [path = '', anchor] = target.split('#');
      const file = path === '' ? page : join(dirname(page), path);
      if (!existsSync(file)) return true;
      return anchor !== undefined && !anchorsOf(file).includes(anchor);
    });
    expect(dead).toEqual([]);
  });

  it.each(pages)('name only files that exist: %s', (page) => {
    const paths = [...readDoc(page).matchAll(/`((?:src|test|docs|simulators|cli|bin)\/[^`\s]*)`/g)];
    expect(paths.map((match) => match[1] as string).filter((path) => !existsSync(path))).toEqual(
      [],
    );
  });
});

describe('README.md', () => {
  const readme = readDoc('README.md');
  const commands = [...readme.matchAll(/^```(?:sh|bash)\n([\s\S]*?)^```$/gm)]
    .flatMap((match) => (match[1] as string).split('\n'))
    .flatMap((line) => line.replace(/ #.*/, '').split('&&'))
    .map((command) => command.trim())
    .filter((command) => command !== '');

  it('gives the two commands', () => {
    expect(commands).toEqual(expect.arrayContaining(['npm ci', 'npm start', 'npm test']));
  });

  it('runs only scripts that package.json has', () => {
    const scripts = commands.flatMap((command) => {
      const [, script] = /^npm (?:run )?(\S+)/.exec(command) ?? [];
      return script === undefined || script === 'ci' ? [] : [script];
    });
    expect(scripts.filter((script) => !(script in packageJson.scripts))).toEqual([]);
  });

  it('calls only commands that wugan has', () => {
    const main = readFileSync('cli/main.ts', 'utf8');
    const called = commands.flatMap((command) => /^npx wugan (\S+)/.exec(command)?.[1] ?? []);
    expect(called.length).toBeGreaterThan(0);
    expect(called.filter((name) => !main.includes(`.command('${name}')`))).toEqual([]);
  });

  it('shows a screenshot that loads quickly', () => {
    expect(readme).toContain('](docs/screenshots/demo.png)');
    expect(statSync('docs/screenshots/demo.png').size).toBeLessThan(IMAGE_BYTES_MAX);
  });
});
