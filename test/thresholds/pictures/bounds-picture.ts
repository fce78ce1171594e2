import { scenarioReadings } from '../scenario-journal.ts';
import { changed, clock, judgedUntil, minuteOf, scenarioOf } from './judged.ts';
import {
  AMBER,
  BLUE,
  dot,
  FAINT,
  GREY,
  INK,
  line,
  path,
  picture,
  RED,
  rect,
  type Svg,
  scale,
  text,
} from './svg.ts';

const STEP_MINUTES = 5;
const SHIFT_MINUTES = 480;
const START_MS = Date.parse('2025-06-02T00:00:00Z');

const x = scale([0, SHIFT_MINUTES], [70, 700]);
const reading = scale([0, 45], [190, 60]);
const mean = scale([0, 36], [440, 262]);

const SCENARIO = changed(scenarioOf('twa-exceeded'), {
  series: {
    co: [
      { from: '08:00', to: '11:00', value: 38 },
      { from: '12:30', to: '14:30', value: 30 },
      { from: '15:00', to: '16:10', value: 30 },
    ],
  },
});

const axis = (bottom: number): Svg =>
  Array.from({ length: 9 }, (_, hour) => [
    line([x(hour * 60), bottom], [x(hour * 60), bottom + 5], { colour: GREY }),
    text(x(hour * 60), bottom + 20, clock(hour * 60), {
      anchor: 'middle',
      size: 12,
      colour: GREY,
    }),
  ]).flat();

/** What was read, and where nothing came. */
function readings(): Svg {
  const values = new Map(
    scenarioReadings(SCENARIO).map(({ frame }) => [minuteOf(SCENARIO, frame.at) - 1, frame.value]),
  );
  const points = Array.from({ length: SHIFT_MINUTES }, (_, minute) => {
    const value = values.get(minute);
    return value === undefined ? undefined : ([x(minute), reading(value ?? 0)] as const);
  });
  const gaps = [
    [180, 270],
    [390, 420],
  ] as const;
  return [
    text(70, 30, 'What the sensor read, mg/m³ (carbon monoxide)', { weight: 'bold' }),
    ...gaps.map(([from, to]) => rect([x(from), 60], [x(to) - x(from), 130], FAINT, 0.25)),
    text(x(4), reading(38) - 6, '38', { size: 12, colour: BLUE }),
    text(x(274), reading(30) - 6, '30', { size: 12, colour: BLUE }),
    path(points, { colour: BLUE }),
    line([70, 190], [700, 190], { colour: GREY }),
    text(x(225), 130, 'nothing came', { anchor: 'middle', colour: GREY, size: 12 }),
    ...axis(190),
  ];
}

/** What is known of the mean of 8 h as the day goes by. */
function bounds(): Svg {
  const results = Array.from({ length: SHIFT_MINUTES / STEP_MINUTES }, (_, i) => {
    const minute = (i + 1) * STEP_MINUTES;
    return { minute, result: judgedUntil(SCENARIO, 'PC_TWA', START_MS + minute * 60_000) };
  });
  const last = results.at(-1)!.result;
  const { limit, certainAtMs, uncertainty, window } = last;
  const certain = minuteOf(SCENARIO, certainAtMs!);
  const u = uncertainty!;
  const lower = results.map(({ minute, result }) => [minute, result.window.lowerBound] as const);
  return [
    text(70, 240, 'What the mean of 8 h is at least, mg/m³', { weight: 'bold' }),
    line([70, 440], [700, 440], { colour: GREY }),
    ...axis(440),
    line([70, mean(limit.value)], [700, mean(limit.value)], { colour: RED, width: 1.5 }),
    text(72, mean(limit.value) - 6, `PC-TWA ${limit.value}`, { colour: RED, size: 12 }),
    path([[x(0), mean(0)], ...lower.map(([m, v]) => [x(m), mean(v)] as const)], { colour: BLUE }),
    path(
      lower.map(([m, v]) => (v < u ? undefined : ([x(m), mean(v - u)] as const))),
      { colour: BLUE, dashed: true, width: 1.5 },
    ),
    text(x(205), mean(7), 'less the uncertainty U', { size: 12, colour: BLUE }),
    line([x(225), mean(10.5)], [x(225), mean(lower[44]![1] - u) + 4], { colour: BLUE }),
    line([x(certain), mean(0)], [x(certain), mean(limit.value)], { colour: RED, dashed: true }),
    dot(x(certain), mean(limit.value), RED),
    text(x(certain) - 8, mean(3), `certain at ${clock(certain)}`, {
      colour: RED,
      size: 12,
      anchor: 'end',
    }),
    dot(x(480), mean(window.estimate!), AMBER),
    text(x(480) + 8, mean(window.estimate!) + 4, `estimate ${window.estimate!.toFixed(1)}`, {
      size: 12,
      colour: AMBER,
    }),
    dot(x(480), mean(window.lowerBound), BLUE),
    text(x(480) + 8, mean(window.lowerBound) + 4, `at least ${window.lowerBound.toFixed(1)}`, {
      size: 12,
      colour: BLUE,
    }),
    text(70, 490, 'Missing time adds nothing: the line stays level. It never falls.', {
      size: 12,
      colour: INK,
    }),
  ];
}

export const boundsPicture = (): string =>
  picture(820, 505, 'A day with gaps: the mean of eight hours is at least this much', [
    readings(),
    bounds(),
  ]);
