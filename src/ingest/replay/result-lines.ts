import { once } from 'node:events';
import type { Writable } from 'node:stream';
import { isInRange, type ShiftRange } from './last-results.ts';
import type { ReplaySink } from './replay-journal.ts';

/** Writes every revision of the shifts in the range, one JSON object a line, as the replay gives it. */
export const writeResultLines = (to: Writable, range: ShiftRange): ReplaySink => ({
  async take(outputs) {
    for (const output of outputs) {
      if (output.kind !== 'result' || !isInRange(range, output.result)) continue;
      if (!to.write(`${JSON.stringify(output)}\n`)) await once(to, 'drain');
    }
  },
  end: () => undefined,
});
