import { deviceFrame } from '../../simulators/hj212-frame.ts';
import { MINUTE_MS } from '../../src/model/time.ts';
import { MN } from '../telemetry/hj212/device-frames.ts';

/** A shift of eight hours in which a device of HJ 212 sends minute means over the limit. */
export const SHIFT_MS = Date.parse('2026-11-10T08:00:00+08:00');
export const SHIFT_MINUTES = 480;
/** Past the end and the grace of the shift. */
export const FRAMES = SHIFT_MINUTES + 5;
/** The device sends micrograms; the limit is 20 mg/m³. */
export const UG_PER_M3 = 25_000;
export const REGISTRY = {
  effectiveFrom: '2026-01-01T00:00:00+08:00',
  limits: 'gbz-2019',
  enterprises: [{ uscc: '91330106MA2CFLR43E', name: '模拟企业', region: '330106' }],
  posts: [
    {
      ...{ id: 'post-1', enterprise: '91330106MA2CFLR43E', name: '岗位', exposedWorkers: 3 },
      hazards: [{ factor: 'carbon-monoxide', primary: { device: 'co-1', metric: 'co-minute' } }],
    },
  ],
  crews: [
    {
      ...{ id: 'crew-1', post: 'post-1', name: '班组', workers: 3, basis: 'SCHEDULE' },
      daysPerWeek: 7,
      shifts: [{ name: 'day', days: [1, 2, 3, 4, 5, 6, 7], start: '08:00', end: '16:00' }],
    },
  ],
  points: [{ id: 'point-1', post: 'post-1', location: '门口' }],
  gateways: [
    {
      ...{ id: 'logger-1', operator: '运维', region: '330106', publicKey: null },
      hj212: { mn: MN, minuteIntervalMin: 1, deviations: ['crc-modbus'] },
    },
  ],
  devices: [
    {
      ...{ id: 'co-1', point: 'point-1', gateway: 'logger-1', model: 'm', serial: 's' },
      hj212: { codes: { a21005: 'co' } },
      metrics: [
        {
          ...{ metric: 'co-minute', factor: 'carbon-monoxide', unit: 'ug/m3' },
          ...{ range: [0, 500_000], uncertainty: { abs: 1_000 } },
        },
      ],
      certificate: {
        ...{ number: 'JL-1', issuer: '计量院', mode: 'VERIFIED' },
        ...{ from: '2026-01-01T00:00:00+08:00', until: '2030-01-01T00:00:00+08:00' },
      },
    },
  ],
};

export const frameOf = (minute: number, value = UG_PER_M3): Buffer =>
  deviceFrame(
    {
      ...{ edition: 2017, mn: MN, st: '39', cn: '2051', wantsAnswer: true },
      madeMs: SHIFT_MS + (minute + 1) * MINUTE_MS + 1_000,
      dataTimeMs: SHIFT_MS + minute * MINUTE_MS,
      items: [{ code: 'a21005', value, flag: 'N' }],
    },
    new Set(['crc-modbus']),
  );
