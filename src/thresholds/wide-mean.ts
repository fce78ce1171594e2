import { MINUTE_MS, SECOND_MS } from '../model/time.ts';
import { CELL_SECONDS } from './minute-cell.ts';
import type { RuleInputs } from './rule-inputs.ts';
import type { SaturatedSeconds } from './saturation.ts';

/**
 * A mean over a span that crosses a minute's edge says how much there was, not when: a window or a stretch of
 * contact that holds only part of the span may hold all of it or nothing. So it counts
 * - in the estimate of concentrations and levels, as if it were the same throughout;
 * - in the lower bound of the rules that add up a whole shift, if the span lies wholly inside one stretch
 *   of contact, the rule reads one channel alone and no lowest minutes are chosen (DECLARED_MINUTES);
 * - never in the lower bound of MAC, PC-STEL, peaks and rules of several channels;
 * - for nothing in heat, impulse noise, presence and counts: what they add up isn't a mean.
 * Spans inside a minute of the grid, whole minutes included, are exact for every window there is.
 */
export const WIDE_LETTERS = '<=>~';
/** Excluded for what was said above. */
export const WIDE_REASON = 'span';

const SUMMED = ['PC_TWA', 'LEX_8H', 'LEX_W', 'MIXTURE'] as const;

/** Feed parts of wide means in ascending order; `done` gives those that count in the lower bound. */
export interface WideMeanReader {
  /** `letter`: one of `WIDE_LETTERS`; `part`: what the second adds. */
  part(second: number, index: number, letter: string, part: number): void;
  done(): readonly SaturatedSeconds[];
}

export function createWideMeanReader(inputs: RuleInputs, startMs: number): WideMeanReader {
  const kind = inputs.subject.limitKind;
  const isSummed = SUMMED.some((one) => one === kind) && inputs.declaredMinutes === null;
  const counted: SaturatedSeconds[] = [];
  let open: { readonly fromS: number; nextS: number; readonly part: number } | undefined;

  const isInContact = (fromS: number, toS: number): boolean =>
    inputs.contact.some(
      ([fromMs, untilMs]) =>
        startMs + fromS * SECOND_MS >= fromMs && startMs + toS * SECOND_MS <= untilMs,
    );

  /** The whole span counts with the minute that ends it: before, nobody knew it. */
  const count = (fromS: number, toS: number, part: number, resolvedIndex: number): void => {
    for (let at = fromS; at < toS; ) {
      const index = Math.floor(at / CELL_SECONDS);
      const end = Math.min(toS, (index + 1) * CELL_SECONDS);
      counted.push({ index, resolvedIndex, seconds: end - at, sum: part * (end - at) });
      at = end;
    }
  };

  return {
    part(second, index, letter, part) {
      if (!isSummed) return;
      if (letter === '<') open = { fromS: second, nextS: second + 1, part };
      else if (open?.nextS !== second || open.part !== part || letter === '~') open = undefined;
      else if (letter === '=') open.nextS++;
      else {
        if (isInContact(open.fromS, second + 1)) count(open.fromS, second + 1, part, index);
        open = undefined;
      }
    },
    done: () => counted,
  };
}

/** Whether wide means say anything at all for the rule. */
export const readsWideMeans = ({ subject }: RuleInputs): boolean =>
  subject.limitKind !== 'WBGT' && subject.limitKind !== 'L_PEAK';

/** Whether the seconds `(at − span, at]` lie in more than one minute. */
export const crossesMinute = (atMs: number, spanMs: number): boolean =>
  Math.floor((atMs - SECOND_MS) / MINUTE_MS) !== Math.floor((atMs - spanMs) / MINUTE_MS);
