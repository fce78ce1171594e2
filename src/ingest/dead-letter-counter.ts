import { Counter, type Registry } from 'prom-client';

const NAME = 'wugan_dead_letters_total';

/** The one counter that the roles of a process share. */
export function deadLetterCounter(registry: Registry): Counter<'reason'> {
  const known = registry.getSingleMetric(NAME);
  if (known !== undefined) return known as Counter<'reason'>;
  return new Counter({
    name: NAME,
    help: 'Unusable messages',
    labelNames: ['reason'],
    registers: [registry],
  });
}
