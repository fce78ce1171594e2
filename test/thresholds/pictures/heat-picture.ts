import { wbgtLimitC } from '../../../src/thresholds/limits/wbgt-limit.ts';
import { judgedUntil, scenarioOf } from './judged.ts';
import { BLUE, dot, GREY, line, path, picture, RED, scale, text } from './svg.ts';

/** Labour III of table 8. */
const ROWS = [31, 29, 28, 26].map((valueC, i) => ({ ratePercent: 25 * (i + 1), valueC }));
const SEEN_MINUTES = 360;
const SEEN_C = 26.5;
const MISSING_MINUTES = 120;

const x = scale([-8, MISSING_MINUTES], [80, 640]);
const y = scale([25, 29], [300, 80]);

/** What the missing time can have been, and the limit of each case. */
export function heatPicture(): string {
  const result = judgedUntil(scenarioOf('wbgt-gap'), 'WBGT');
  const cases = Array.from({ length: MISSING_MINUTES + 1 }, (_, m) => ({
    m,
    mean: (SEEN_MINUTES * SEEN_C + m * 25) / (SEEN_MINUTES + m),
    limit: wbgtLimitC(ROWS, (SEEN_MINUTES + m) * 60)!,
  }));
  const { lowerBound, estimate } = result.window;
  const limits = cases.flatMap(({ m, limit }, i) => {
    const before = cases[i - 1];
    const turn = before !== undefined && before.limit !== limit;
    return turn
      ? [[x(m), y(before.limit)] as const, [x(m), y(limit)] as const]
      : [[x(m), y(limit)] as const];
  });
  return picture(820, 400, 'Heat with two hours missing: every case must exceed', [
    text(80, 34, '6 h at 26.5 °C were seen, 2 h are missing (labour III)', {
      weight: 'bold',
      size: 15,
    }),
    text(80, 56, 'If m of the missing minutes were contact at 25 °C and the others rest:', {
      size: 12.5,
      colour: GREY,
    }),
    ...[25, 26, 27, 28, 29].flatMap((c) => [
      line([80, y(c)], [640, y(c)], { colour: '#e4e7eb' }),
      text(72, y(c) + 4, `${c}`, { size: 12, colour: GREY, anchor: 'end' }),
    ]),
    ...[0, 30, 60, 90, 120].map((m) =>
      text(x(m), 320, `m = ${m}`, { size: 12, colour: GREY, anchor: 'middle' }),
    ),
    path(limits, { colour: RED }),
    path(
      cases.map(({ m, mean }) => [x(m), y(mean)] as const),
      { colour: BLUE },
    ),
    text(654, y(26) + 4, 'limit by contact time', { size: 12, colour: RED }),
    text(654, y(26.125) - 8, 'mean over contact', { size: 12, colour: BLUE }),
    dot(x(0), y(lowerBound), BLUE),
    text(
      x(0) + 10,
      y(lowerBound) - 8,
      `most favourable: ${lowerBound} against ${result.details!['lowerBoundLimit']}`,
      {
        size: 12,
      },
    ),
    text(80, 356, `Like the rest: ${estimate} over 8 h, limit 26.`, { size: 12.5 }),
    text(80, 378, `Not every case exceeds: ${result.verdict}, never exceeded.`, {
      size: 12.5,
      weight: 'bold',
    }),
  ]);
}
