import { it } from 'vitest';
import { runSparkplugDeaths } from '../e2e/sparkplug-deaths.ts';

/** Each at a moment when messages are on their way; births are among them. */
const POINTS = [
  'journal:before-commit#60',
  'journal:after-commit#90',
  'evaluator:before-commit#60',
  'evaluator:after-commit#40',
  'journal:before-commit#90',
];

/** Run by `npx vitest run --config vitest.soak.config.ts test/soak/sparkplug.soak.ts`. */
it('a Sparkplug host killed five times asks each edge node once and judges what was sent', async () => {
  await runSparkplugDeaths(POINTS);
});
