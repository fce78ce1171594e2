import type { ChannelRef, Hazard } from '../model/facts.ts';
import { FactorId } from '../model/ids.ts';
import { molarVolumeL } from './limits/unit-factor.ts';
import type { Reading } from './rule-definition.ts';
import type { InputFeed } from './rule-inputs.ts';

const MOLAR_VOLUME_L = molarVolumeL(20);
const NO2_G_PER_MOL = 46.006;
const NO_G_PER_MOL = 30.006;
export const NITROGEN_OXIDES = FactorId.parse('nitrogen-oxides');
export const NITROGEN_DIOXIDE = FactorId.parse('nitrogen-dioxide');

/** Abdomen counts twice: (head + 2·abdomen + ankle)/4 (GBZ/T 189.7, ISO 7243). */
const ABDOMEN_WEIGHT = 0.5;
const HEAD_ANKLE_WEIGHT = 0.25;

/** WBGT = 0.7 tnw + 0.3 tg without sun, 0.7 tnw + 0.2 tg + 0.1 ta in it. */
const WET_BULB_WEIGHT = 0.7;
const GLOBE_WEIGHT_INDOOR = 0.3;
const GLOBE_WEIGHT_OUTDOOR = 0.2;
const AIR_WEIGHT = 0.1;

interface Part {
  readonly channel: ChannelRef;
  readonly role: InputFeed['role'];
  readonly reading: Reading;
}

/** How the primary channel of a hazard and its parts are read together. */
export interface PartReadings {
  readonly own: Reading;
  readonly parts: readonly Part[];
}

/** `plain`: how a channel is read that gives the factor by itself. */
export function partReadings(plain: Reading, hazard: Hazard, outdoor: boolean): PartReadings {
  if (hazard.factor === NITROGEN_OXIDES) return nitrogenOxides(plain, hazard);
  const roles = new Set(hazard.parts.map(({ role }) => role));
  if (roles.has('head') || roles.has('ankle')) {
    return weighted(plain, hazard, ABDOMEN_WEIGHT, () => HEAD_ANKLE_WEIGHT);
  }
  if (roles.has('globe')) {
    return weighted(plain, hazard, WET_BULB_WEIGHT, (role) =>
      role === 'air' ? AIR_WEIGHT : outdoor ? GLOBE_WEIGHT_OUTDOOR : GLOBE_WEIGHT_INDOOR,
    );
  }
  const counts = hazard.parts.filter(({ role }) => role === 'impulse-count');
  const reading: Reading = { ...plain, factors: null, limitUnit: 'count/min', weight: 1 };
  return { own: plain, parts: counts.map(({ channel }) => ({ channel, role: 'count', reading })) };
}

type PartRole = Hazard['parts'][number]['role'];
const HEIGHTS: readonly PartRole[] = ['head', 'ankle'];

function weighted(
  plain: Reading,
  { parts }: Hazard,
  ownWeight: number,
  weightOf: (role: PartRole) => number,
): PartReadings {
  return {
    // A bulb or a globe is no WBGT by itself: its role says what it gives.
    own: {
      ...plain,
      factors: ownWeight === WET_BULB_WEIGHT ? null : plain.factors,
      weight: ownWeight,
    },
    parts: parts.map(({ channel, role }) => ({
      channel,
      role: 'proof',
      // A height gives WBGT itself; a bulb or a globe gives what its role says.
      reading: {
        ...plain,
        factors: HEIGHTS.includes(role) ? plain.factors : null,
        weight: weightOf(role),
      },
    })),
  };
}

/** Masses of NO and NO2 as measured; on the other basis NO counts as NO2. */
function nitrogenOxides(plain: Reading, { parts }: Hazard): PartReadings {
  const noPart = parts.filter(({ role }) => role === 'no');
  const asNo2 = noPart.length === 0 ? {} : { otherWeight: 1 };
  return {
    own: {
      ...plain,
      factors: [NITROGEN_OXIDES, NITROGEN_DIOXIDE],
      ppmFactor: NO2_G_PER_MOL / MOLAR_VOLUME_L,
      ...asNo2,
    },
    parts: noPart.map(({ channel }) => ({
      channel,
      role: 'proof',
      reading: {
        ...plain,
        factors: null,
        ppmFactor: NO_G_PER_MOL / MOLAR_VOLUME_L,
        otherWeight: NO2_G_PER_MOL / NO_G_PER_MOL,
      },
    })),
  };
}

/** What a hazard's parts leave out, so that the number can't be told; undefined: nothing. */
export function partsObstacle(hazard: Hazard, outdoor: boolean): string | undefined {
  const roles = new Set(hazard.parts.map(({ role }) => role));
  if (roles.has('head') !== roles.has('ankle')) return 'wbgt-height-missing';
  // Bulb and globe of which height? Each height must come as WBGT.
  if (roles.has('head') && (roles.has('globe') || roles.has('air'))) return 'wbgt-height-parts';
  if (roles.has('globe')) {
    if (outdoor && !roles.has('air')) return 'no-air-temperature';
    if (!outdoor && roles.has('air')) return 'air-temperature-indoors';
  }
  const { metric } = hazard.primary;
  if (/^wbgt.*-in$/.test(metric) && outdoor) return 'wbgt-indoor-metric';
  if (/^wbgt.*-out$/.test(metric) && !outdoor) return 'wbgt-outdoor-metric';
  return undefined;
}
