import { it } from 'vitest';
import { runSparkplugDeaths } from './sparkplug-deaths.ts';

it('a Sparkplug host that is killed asks each edge node once and judges what was sent', async () => {
  await runSparkplugDeaths(['journal:before-commit#90', 'evaluator:after-commit#60']);
}, 300_000);
