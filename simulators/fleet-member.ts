import { createPrivateKey, hash } from 'node:crypto';
import { DeviceId, GatewayId } from '../src/model/ids.ts';
import { type SigningKey, signingKeyFromPem } from '../src/telemetry/signing.ts';

/** Load shapes of the bench: frames in a batch, and metrics in a frame. */
export const LOADS = {
  A: { frames: 2, metrics: 5 },
  B: { frames: 10, metrics: 5 },
  C: { frames: 10, metrics: 1 },
} as const;
export type Load = keyof typeof LOADS;

/** What a simulated gateway measures, in the order in which a load takes them. */
export const FLEET_METRICS = [
  { metric: 'co', factor: 'carbon-monoxide', unit: 'mg/m3', range: [0, 250] },
  { metric: 'laeq', factor: 'noise', unit: 'dB(A)', range: [30, 130] },
  { metric: 'h2s', factor: 'hydrogen-sulfide', unit: 'mg/m3', range: [0, 100] },
  { metric: 'wbgt', factor: 'wbgt', unit: 'degC', range: [0, 60] },
  { metric: 'dust-total', factor: 'other-dust-total', unit: 'mg/m3', range: [0, 100] },
] as const;

export interface FleetMember {
  readonly index: number;
  readonly gateway: GatewayId;
  readonly device: DeviceId;
}

const number = (index: number): string => String(index).padStart(5, '0');

/** The simulated gateway of an index, 0 and up: it has one device. */
export const fleetMember = (index: number): FleetMember => ({
  index,
  gateway: GatewayId.parse(`fleet-${number(index)}`),
  device: DeviceId.parse(`fleet-${number(index)}-d`),
});

/** DER header of an Ed25519 PKCS#8 key (RFC 8410); the 32-byte seed follows it. */
const PKCS8_HEADER = Buffer.from('302e020100300506032b657004220420', 'hex');

/**
 * A member's key, made from its index: registry and generator need no common file. Never for use.
 */
export function fleetKey(index: number): SigningKey {
  const seed = hash('sha256', `wugan simulated fleet ${index}`, 'buffer');
  const der = Buffer.concat([PKCS8_HEADER, seed]);
  const key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
  return signingKeyFromPem(key.export({ type: 'pkcs8', format: 'pem' }).toString());
}
