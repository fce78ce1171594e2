import {
  CHANGED,
  CONFLICTED,
  type MinuteCell,
  type PutOutcome,
  UNCHANGED,
} from '../../src/thresholds/minute-cell.ts';
import {
  CONFLICT,
  holdsValue,
  joinStates,
  NONE,
  type SecondState,
} from '../../src/thresholds/second-state.ts';

/** What a slot of a page does, on plain doubles: the oracle of the packed and paged cells. */
export function putObviously(
  cell: MinuteCell,
  from: number,
  to: number,
  state: SecondState,
  value: number,
): PutOutcome {
  const { states, values } = cell;
  let outcome: PutOutcome = UNCHANGED;
  for (let second = from; second <= to; second++) {
    const before = states[second]!;
    const after = before === NONE ? state : joinStates(before, state, values[second] === value);
    if (after === before) continue;
    states[second] = after;
    if (after === CONFLICT) {
      values[second] = 0;
      outcome = CONFLICTED;
    } else {
      if (after === state) values[second] = holdsValue(state) ? value : 0;
      if (outcome === UNCHANGED) outcome = CHANGED;
    }
  }
  return outcome;
}
