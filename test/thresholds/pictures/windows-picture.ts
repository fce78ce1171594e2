import type { LimitKind } from '../../../src/model/limits.ts';
import { scenarioReadings } from '../scenario-journal.ts';
import { clock, judgedUntil, minuteOf, scenarioOf } from './judged.ts';
import { BLUE, GREY, line, path, picture, RED, rect, type Svg, scale, text } from './svg.ts';

interface Shown {
  readonly scenario: string;
  readonly rule: LimitKind;
  readonly title: string;
  readonly minutes: readonly [number, number];
  readonly most: number;
}

const SHOWN: readonly Shown[] = [
  {
    scenario: 'stel-exceeded',
    rule: 'PC_STEL',
    title: 'PC-STEL: 15 min at 32',
    minutes: [105, 150],
    most: 40,
  },
  {
    scenario: 'stel-near-miss',
    rule: 'PC_STEL',
    title: 'PC-STEL: 14 min at 31',
    minutes: [105, 150],
    most: 40,
  },
  { scenario: 'mac-exceeded', rule: 'MAC', title: 'MAC: two minutes', minutes: [45, 90], most: 2 },
  {
    scenario: 'mac-spike-near-miss',
    rule: 'MAC',
    title: 'MAC: one second of 30',
    minutes: [58, 63],
    most: 2,
  },
];

function panel({ scenario: name, rule, title, minutes, most }: Shown, index: number): Svg {
  const left = 50 + (index % 2) * 400;
  const bottom = 210 + Math.floor(index / 2) * 220;
  const x = scale(minutes, [left, left + 330]);
  const y = scale([0, most], [bottom, bottom - 130]);
  const scenario = scenarioOf(name);
  const { window, limit, verdict } = judgedUntil(scenario, rule);
  const points = scenarioReadings(scenario)
    .map(({ frame }) => ({ ...frame, end: minuteOf(scenario, frame.at) }))
    .sort((a, b) => a.at - b.at)
    .filter(({ end }) => end > minutes[0] && end <= minutes[1])
    .flatMap(({ end, spanMs, value }): (readonly [number, number])[] => {
      const height = y(Math.min(value ?? 0, most * 1.08));
      return [
        [x(end - spanMs / 60_000), height],
        [x(end), height],
      ];
    });
  const from = minuteOf(scenario, window.startMs);
  const to = minuteOf(scenario, window.endMs);
  const colour = verdict === 'exceeded' ? RED : GREY;
  return [
    text(left, bottom - 172, title, { weight: 'bold' }),
    text(left, bottom - 154, `${verdict}: worst window ${window.lowerBound.toFixed(2)}`, {
      size: 12,
      colour,
    }),
    rect(
      [x(from), y(window.lowerBound)],
      [x(to) - x(from), bottom - y(window.lowerBound)],
      colour,
      0.2,
    ),
    path(points, { colour: BLUE, width: 1.5 }),
    line([left, y(limit.value)], [left + 330, y(limit.value)], { colour: RED, width: 1.5 }),
    text(left + 330, y(limit.value) - 5, `limit ${limit.value}`, {
      size: 12,
      colour: RED,
      anchor: 'end',
    }),
    line([left, bottom], [left + 330, bottom], { colour: GREY }),
    text(left, bottom + 18, clock(minutes[0]), { size: 11.5, colour: GREY }),
    text(left + 330, bottom + 18, clock(minutes[1]), { size: 11.5, colour: GREY, anchor: 'end' }),
  ];
}

export const windowsPicture = (): string =>
  picture(820, 460, 'Sliding windows: what fires and what nearly does', SHOWN.flatMap(panel));
