import type { Verdict } from '../../../src/model/exposure.ts';
import { judgedUntil, scenarioOf } from './judged.ts';
import {
  AMBER,
  BLUE,
  dot,
  GREEN,
  GREY,
  INK,
  line,
  picture,
  RED,
  rect,
  type Svg,
  scale,
  text,
} from './svg.ts';

const WORDS: Readonly<Record<Verdict, readonly [string, string]>> = {
  exceeded: ['超限线索', RED],
  suspected: ['疑似超限', AMBER],
  borderline: ['临界', AMBER],
  within: ['在线监测未见超限', GREEN],
  indeterminate: ['数据不足，不可评价', GREY],
};

/** Scenario and what the reader should see in it. */
const ROWS = [
  ['twa-exceeded', 'even the least, less U, is above'],
  ['twa-uncertainty-favours-company', 'above, but not by U'],
  ['twa-suspected-by-estimate', 'above only if the gap was like the rest'],
  ['stel-near-miss', 'below, but not by U'],
  ['basis-presence', 'below, with U added'],
  ['twa-too-little-seen', 'too little seen for an estimate'],
] as const;

const x = scale([0, 1.5], [380, 770]);
const ROW_HEIGHT = 62;

function row([name, why]: (typeof ROWS)[number], index: number): Svg {
  const y = 110 + index * ROW_HEIGHT;
  const rule = name === 'stel-near-miss' ? 'PC_STEL' : 'PC_TWA';
  const { verdict, window, limit, uncertainty } = judgedUntil(scenarioOf(name), rule);
  const [chinese, colour] = WORDS[verdict];
  const share = (value: number): number => value / limit.value;
  const u = share(uncertainty ?? 0);
  const low = share(window.lowerBound);
  const likely = window.estimate === null ? null : share(window.estimate);
  return [
    text(24, y - 4, verdict, { weight: 'bold', colour }),
    text(24, y + 15, chinese, { colour, size: 12 }),
    text(150, y + 5, why, { size: 11.5, colour: GREY }),
    line([x(0), y], [x(1.5), y], { colour: '#e4e7eb' }),
    rect([x(low - u), y - 7], [x(low) - x(low - u), 14], BLUE, 0.3),
    dot(x(low), y, BLUE),
    ...(likely === null
      ? []
      : [
          line([x(likely), y], [x(likely + u), y], { colour: AMBER, width: 2 }),
          line([x(likely), y - 8], [x(likely), y + 8], { colour: AMBER, width: 3 }),
        ]),
  ];
}

export function verdictsPicture(): string {
  const bottom = 110 + ROWS.length * ROW_HEIGHT - 20;
  return picture(800, bottom + 70, 'The verdicts: where the bounds lie against the limit', [
    text(24, 34, 'Where the numbers lie against the limit (= 1)', { weight: 'bold', size: 15 }),
    line([x(1), 62], [x(1), bottom], { colour: RED, width: 1.5 }),
    text(x(1), 56, 'limit', { colour: RED, size: 12, anchor: 'middle' }),
    ...ROWS.flatMap(row),
    dot(40, bottom + 36, BLUE),
    rect([52, bottom + 29], [22, 14], BLUE, 0.3),
    text(84, bottom + 41, 'at least (the least, and U taken off it)', { size: 12, colour: INK }),
    line([370, bottom + 28], [370, bottom + 44], { colour: AMBER, width: 3 }),
    line([370, bottom + 36], [392, bottom + 36], { colour: AMBER, width: 2 }),
    text(402, bottom + 41, 'estimate (and U added to it); needs 75 % of contact time', {
      size: 12,
      colour: INK,
    }),
  ]);
}
