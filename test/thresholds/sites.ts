import { channel, hazard, type Site } from './site.ts';
import { DAY_SHIFT } from './world.ts';

export const CO = { factor: 'carbon-monoxide' };

/** Toluene from `a` and acetone from `b`, declared to act together. */
export const MIXTURE_SITE: Site = {
  posts: [
    {
      hazards: [hazard('toluene', 'a'), hazard('acetone', 'b')],
      mixtures: [{ name: 'solvents', factors: ['toluene', 'acetone'] }],
    },
  ],
  devices: { a: { factor: 'toluene' }, b: { factor: 'acetone' } },
};

/** NO2 from `a`, NO from `b`. */
export const NOX_SITE: Site = {
  posts: [
    {
      hazards: [hazard('nitrogen-oxides', 'a', { parts: [{ role: 'no', channel: channel('b') }] })],
    },
  ],
  devices: { a: { factor: 'nitrogen-dioxide' }, b: { factor: 'nitric-oxide' } },
};

const HEAT = { factor: 'wbgt', unit: 'degC', range: [0, 60] };

/** WBGT at the abdomen from `a`, the head from `b`, the ankles from `c`. */
export const HEIGHTS_SITE: Site = {
  posts: [
    {
      labourIntensity: 'III',
      hazards: [
        hazard('wbgt', 'a', {
          parts: [
            { role: 'head', channel: channel('b') },
            { role: 'ankle', channel: channel('c') },
          ],
        }),
      ],
    },
  ],
  devices: { a: HEAT, b: HEAT, c: HEAT },
};

/** A crew that changes at noon from the post of `a` to that of `b`. */
export const MOVING_SITE: Site = {
  posts: [
    { hazards: [hazard('carbon-monoxide', 'a')] },
    { hazards: [hazard('carbon-monoxide', 'b')] },
  ],
  crew: {
    shifts: [
      {
        ...DAY_SHIFT,
        segments: [
          { post: 'post-1', from: '08:00', to: '12:00' },
          { post: 'post-2', from: '12:00', to: '16:00' },
        ],
      },
    ],
  },
  devices: { a: CO, b: CO },
};

/** `a` and its backup `b` stand for the post together. */
export const meanSite = (factor: string, profile: object, crew: object = {}): Site => ({
  posts: [{ hazards: [hazard(factor, 'a', { backup: channel('b'), feed: 'mean' })] }],
  crew,
  devices: { a: profile, b: profile },
});
