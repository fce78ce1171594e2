import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { PICTURES } from './pictures/pictures.ts';

it.each(Object.entries(PICTURES))('docs/pictures/%s is what the engine says', (name, draw) => {
  expect(readFileSync(`docs/pictures/${name}`, 'utf8')).toBe(draw());
});
