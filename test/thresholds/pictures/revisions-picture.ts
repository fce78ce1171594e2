import { scenarioReadings } from '../scenario-journal.ts';
import { clock, minuteOf, revisionsOf, scenarioOf } from './judged.ts';
import {
  BLUE,
  dot,
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

const x = scale([0, 780], [90, 760]);
const y = scale([0, 490], [330, 70]);

/** When each reading was measured, against when the hub had it. */
function arrivals(): Svg {
  const scenario = scenarioOf('late-data-revise');
  const live = scenarioReadings(scenario).filter(
    ({ receivedMs, frame }) => receivedMs === frame.at,
  );
  const late = scenarioReadings(scenario).filter(({ receivedMs, frame }) => receivedMs > frame.at);
  const point = ({ receivedMs, frame }: (typeof live)[number]) =>
    [x(minuteOf(scenario, receivedMs)), y(minuteOf(scenario, frame.at))] as const;
  return [
    path(live.map(point), { colour: BLUE, width: 3 }),
    path(late.map(point), { colour: BLUE, width: 3 }),
    text(x(150), y(210), 'live', { colour: BLUE, anchor: 'end' }),
    text(x(712), y(330), 'from the', { colour: BLUE, anchor: 'end' }),
    text(x(712), y(300), "gateway's store", { colour: BLUE, anchor: 'end' }),
  ];
}

export function revisionsPicture(): string {
  const scenario = scenarioOf('late-data-revise');
  const told = revisionsOf(scenario, 'PC_TWA').filter(({ minute }) => minute < 780);
  return picture(820, 440, 'Late data revise a result', [
    text(90, 34, 'Time of measurement decides, time of arrival only delays', {
      weight: 'bold',
      size: 15,
    }),
    rect([90, y(480)], [670, y(0) - y(480)], BLUE, 0.05),
    text(84, y(480) + 4, '16:00', { size: 12, colour: GREY, anchor: 'end' }),
    text(84, y(0) + 4, '08:00', { size: 12, colour: GREY, anchor: 'end' }),
    text(96, y(480) + 18, 'measured in the shift', { size: 12, colour: GREY }),
    line([90, y(0)], [760, y(0)], { colour: GREY }),
    ...[0, 120, 240, 360, 480, 600, 720].map((minute) =>
      text(x(minute), 350, clock(minute), { size: 12, colour: GREY, anchor: 'middle' }),
    ),
    text(90, 370, 'time at the hub', { size: 12, colour: GREY }),
    ...arrivals(),
    ...told.flatMap(({ minute, result }) => {
      const colour = result.verdict === 'exceeded' ? RED : INK;
      return [
        line([x(minute), y(0)], [x(minute), 392], { colour, dashed: true }),
        dot(x(minute), 392, colour),
        text(x(minute), 412, `revision ${result.revision}, ${clock(minute)}`, {
          size: 12,
          anchor: 'middle',
          colour,
          weight: 'bold',
        }),
        text(
          x(minute),
          430,
          `${result.verdict}: at least ${result.window.lowerBound.toFixed(1)} mg/m³`,
          { size: 12, anchor: 'middle', colour },
        ),
      ];
    }),
  ]);
}
