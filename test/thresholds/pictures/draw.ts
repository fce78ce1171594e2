import { mkdirSync, writeFileSync } from 'node:fs';
import { PICTURES } from './pictures.ts';

// `npm run docs:pictures`: draws docs/pictures anew from the engine.
mkdirSync('docs/pictures', { recursive: true });
for (const [name, draw] of Object.entries(PICTURES)) writeFileSync(`docs/pictures/${name}`, draw());
