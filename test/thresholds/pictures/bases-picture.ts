import { Scenario } from '../scenario-schema.ts';
import { judgedUntil } from './judged.ts';
import {
  AMBER,
  BLUE,
  dot,
  FAINT,
  GREY,
  line,
  path,
  picture,
  RED,
  rect,
  type Svg,
  scale,
  text,
} from './svg.ts';

const CO = { factor: 'carbon-monoxide', unit: 'mg/m3', range: [0, 500], uncertainty: 1 };
const x = scale([8, 16], [250, 560]);
const number = scale([0, 40], [600, 770]);

/** One day for all: high until ten, low for the rest. */
const READ = [
  { from: '08:00', to: '10:00', value: 96 },
  { from: '10:00', to: '16:10', value: 16 },
];

interface Basis {
  readonly name: string;
  readonly says: string;
  readonly crew: object;
  readonly gate?: readonly object[];
  /** Hours in which the crew is exposed as far as is known; null: somewhere in the shift. */
  readonly contact: readonly (readonly [number, number])[] | null;
}

const BASES: readonly Basis[] = [
  { name: 'PERSONAL', says: '个体佩戴: worn all day', crew: {}, contact: [[8, 16]] },
  {
    name: 'SCHEDULE',
    says: '按班次记录: 08–16, break 12–13',
    crew: {
      shifts: [
        {
          name: 'day',
          days: [1],
          start: '08:00',
          end: '16:00',
          breaks: [{ from: '12:00', to: '13:00' }],
        },
      ],
    },
    contact: [
      [8, 12],
      [13, 16],
    ],
  },
  {
    name: 'PRESENCE',
    says: '在岗记录: there 09–11',
    crew: {},
    gate: [
      { from: '08:00', to: '09:00', value: 0 },
      { from: '09:00', to: '11:00', value: 1 },
      { from: '11:00', to: '16:10', value: 0 },
    ],
    contact: [[9, 11]],
  },
  {
    name: 'DECLARED_MINUTES',
    says: '申报时间: 120 min, unknown which',
    crew: { declaredMinutes: 120 },
    contact: null,
  },
  {
    name: 'ASSUMED_FULL_SHIFT',
    says: '假定全班在岗: nobody recorded it',
    crew: {},
    contact: [[8, 16]],
  },
];

function judged({ name, crew, gate }: Basis) {
  const scenario = Scenario.parse({
    title: { zh: name, en: name },
    clause: '-',
    sensors: { co: CO, ...(gate ? { gate: { role: 'presence', unit: '1', range: [0, 1] } } : {}) },
    crew: { basis: name, ...crew },
    series: { co: READ, ...(gate ? { gate } : {}) },
    expected: [{ at: 'end' }],
  });
  return judgedUntil(scenario, 'PC_TWA');
}

function row(basis: Basis, index: number): Svg {
  const y = 185 + index * 66;
  const { verdict, window } = judged(basis);
  const spans = basis.contact ?? [[8, 16] as const];
  const colour = basis.contact === null ? FAINT : BLUE;
  return [
    text(24, y, basis.name, { weight: 'bold' }),
    text(24, y + 18, basis.says, { size: 12, colour: GREY }),
    line([x(8), y], [x(16), y], { colour: '#e4e7eb' }),
    ...spans.map(([from, to]) =>
      rect([x(from), y - 9], [x(to) - x(from), 18], colour, basis.contact === null ? 0.35 : 0.55),
    ),
    line([number(0), y], [number(40), y], { colour: '#e4e7eb' }),
    line([number(window.estimate!), y - 8], [number(window.estimate!), y + 8], {
      colour: AMBER,
      width: 3,
    }),
    dot(number(window.lowerBound), y, BLUE),
    text(number(40) + 12, y - 3, verdict, { weight: 'bold', size: 12.5 }),
    text(number(40) + 12, y + 14, `at least ${window.lowerBound.toFixed(1)}`, {
      size: 12,
      colour: GREY,
    }),
  ];
}

export function basesPicture(): string {
  const reading = scale([0, 100], [140, 60]);
  return picture(900, 520, 'One day, five bases of exposure', [
    text(24, 34, 'One day of readings, and whose exposure they are', { weight: 'bold', size: 15 }),
    text(24, 95, 'carbon monoxide, mg/m³', { size: 12, colour: GREY }),
    path(
      [
        [x(8), reading(96)],
        [x(10), reading(96)],
        [x(10), reading(16)],
        [x(16), reading(16)],
      ],
      { colour: BLUE },
    ),
    text(x(8) + 4, reading(96) - 6, '96', { size: 12, colour: BLUE }),
    text(x(13), reading(16) - 6, '16', { size: 12, colour: BLUE }),
    line([x(8), 140], [x(16), 140], { colour: GREY }),
    ...[8, 10, 12, 14, 16].map((hour) =>
      text(x(hour), 158, `${hour}:00`, { size: 11.5, colour: GREY, anchor: 'middle' }),
    ),
    text(number(20), 145, 'mean of 8 h, mg/m³', { size: 12, colour: GREY, anchor: 'middle' }),
    line([number(20), 152], [number(20), 470], { colour: RED, width: 1.5 }),
    ...BASES.flatMap(row),
    text(number(20), 488, 'PC-TWA 20', { size: 12, colour: RED, anchor: 'middle' }),
    dot(250, 504, BLUE),
    text(262, 508, 'at least', { size: 12 }),
    line([340, 496], [340, 512], { colour: AMBER, width: 3 }),
    text(350, 508, 'estimate', { size: 12 }),
  ]);
}
