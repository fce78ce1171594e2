import type { Batch } from '../src/model/batch.ts';
import type { BatchEntry, FactEntry, JournalEntry, SealEntry } from '../src/model/entry.ts';
import { Crew, Device, Enterprise, type Fact, Gateway, Post } from '../src/model/facts.ts';
import { GatewayId, Ulid, ZERO_HASH } from '../src/model/ids.ts';
import { DAY_MS, SECOND_MS } from '../src/model/time.ts';

/** Monday, 08:00 in Shanghai: the shift of every post starts. */
export const SHIFT_START_MS = Date.parse('2025-06-02T00:00:00Z');
export const SHIFT_MS = DAY_MS / 3;
/** Load B of design §10: a batch of 10 s, one device of five metrics. */
export const FRAMES = 10;
export const METRICS = [
  { metric: 'co', factor: 'carbon-monoxide', unit: 'mg/m3', range: [0, 250], base: 8, step: 0.1 },
  { metric: 'laeq', factor: 'noise', unit: 'dB(A)', range: [30, 130], base: 74, step: 0.1 },
  { metric: 'h2s', factor: 'hydrogen-sulfide', unit: 'mg/m3', range: [0, 100], base: 1, step: 0.1 },
  { metric: 'wbgt', factor: 'wbgt', unit: 'degC', range: [0, 60], base: 26, step: 0.1 },
  {
    metric: 'dust-total',
    factor: 'other-dust-total',
    unit: 'mg/m3',
    range: [0, 100],
    base: 2,
    step: 0.01,
  },
] as const;

const NOISE = METRICS.findIndex(({ factor }) => factor === 'noise');

const source = { by: 'bench', sha256: '' };
const USCC = '91330106MA2CFXXX0T';
const EPOCH = Ulid.parse('01JX0000000000000000000000');
const CERTIFICATE = {
  number: 'S-1',
  issuer: 'simulated',
  mode: 'CALIBRATED',
  fromMs: 0,
  untilMs: Date.parse('2099-12-31T00:00:00Z'),
};

const gatewayName = (index: number): string => `fleet-${String(index).padStart(6, '0')}`;

const POST = Post.parse({
  id: 'p',
  enterprise: USCC,
  name: 'P',
  exposedWorkers: 2,
  labourIntensity: 'II',
  hazards: METRICS.map(({ metric, factor }) => ({ factor, primary: { device: 'd', metric } })),
});
const CREW = Crew.parse({
  id: 'c',
  post: 'p',
  name: 'A',
  workers: 2,
  basis: 'SCHEDULE',
  daysPerWeek: 5,
  shifts: [{ name: 'day', days: [1, 2, 3, 4, 5], start: '08:00', end: '16:00' }],
});
const GATEWAY = Gateway.parse({
  id: 'g',
  operator: 'O',
  region: '330106',
  publicKey: `${'A'.repeat(43)}=`,
});
const CLOCK = { source: 'ntp', offsetMs: 3, errMs: 5 } as const;
/** A gateway signs its chain's head every minute. */
const SEAL_ROUNDS = 60 / FRAMES;

const DEVICE = Device.parse({
  id: 'd',
  point: 'pt',
  gateway: 'g',
  model: 'simulated',
  serial: '1',
  metrics: METRICS.map(({ metric, factor, unit, range }) => ({
    ...{ metric, factor, unit, range, uncertainty: { abs: 0.5 } },
  })),
  certificate: CERTIFICATE,
});

/** Facts of `gateways` posts, each with a gateway that seals, a device of five metrics and a day shift. */
export function* loadFacts(gateways: number): Generator<Fact> {
  // Each has its own objects and flat strings, as facts read from a journal do.
  const put = (entity: Fact['entity'], id: string, value: object): Fact =>
    JSON.parse(JSON.stringify({ v: 1, entity, id, validFromMs: 0, value, source })) as Fact;
  yield put('enterprise', USCC, Enterprise.parse({ uscc: USCC, name: 'E', region: '330106' }));
  for (let i = 0; i < gateways; i++) {
    const name = gatewayName(i);
    const device = `${name}-d`;
    const hazards = POST.hazards.map((h) => ({ ...h, primary: { ...h.primary, device } }));
    yield put('gateway', name, { ...GATEWAY, id: name });
    yield put('post', `${name}-p`, { ...POST, id: `${name}-p`, hazards });
    yield put('crew', `${name}-c`, { ...CREW, id: `${name}-c`, post: `${name}-p` });
    yield put('device', device, { ...DEVICE, id: device, gateway: name });
  }
}

export const factEntry = (pos: number, fact: Fact): FactEntry => ({
  kind: 'fact',
  pos,
  receivedAtMs: SHIFT_START_MS - DAY_MS,
  sha256: ZERO_HASH,
  fact,
});

/** Small numbers that wander, each with its own decimals; the same for every run. */
function wander(length: number): Uint16Array {
  const walk = new Uint16Array(length);
  let seed = 1;
  let at = 40;
  for (let i = 0; i < length; i++) {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) & 0x7fffffff;
    at = Math.min(80, Math.max(0, at + ((seed >> 16) % 13) - 6));
    walk[i] = at;
  }
  return walk;
}

export type Decimals = 'decimal' | 'float32' | 'double';

/**
 * Batches of a round (10 s of every gateway), a block of gateways at a time. The objects of a block are
 * used again for the next, so that the load itself takes no memory; their strings are as an engine gets
 * them: device and metric names from the batch, not those of the registry.
 */
export function createLoad(gateways: number, decimals: Decimals = 'decimal') {
  const blockSize = Math.min(gateways, 500);
  const walk = wander(8_191);
  const names = Array.from({ length: gateways }, (_, i) => GatewayId.parse(gatewayName(i)));
  const devices = JSON.parse(JSON.stringify(names.map((name) => `${name}-d`))) as string[];
  const frames = Array.from({ length: blockSize }, () =>
    Array.from({ length: FRAMES }, () => ({
      device: '',
      at: 0,
      spanMs: SECOND_MS,
      values: Object.fromEntries(METRICS.map(({ metric }) => [metric, 0.5])) as Record<
        string,
        number
      >,
    })),
  );
  const precise = (value: number): number =>
    decimals === 'decimal' ? value : decimals === 'float32' ? Math.fround(value) : value * 1.000001;

  function fill(block: (typeof frames)[number], gateway: number, round: number): void {
    const firstMs = SHIFT_START_MS + round * FRAMES * SECOND_MS;
    for (const [f, frame] of block.entries()) {
      frame.device = devices[gateway]!;
      frame.at = firstMs + (f + 1) * SECOND_MS;
      for (const [m, { metric, base, step }] of METRICS.entries()) {
        const n = walk[(gateway * 31 + m * 977 + round * FRAMES + f) % walk.length]!;
        // One in fifty posts is too loud, as in life some are.
        const more = m === NOISE && gateway % 50 === 0 ? 18 : 0;
        const whole = Math.round((base + more) / step + n);
        frame.values[metric] = precise(whole / Math.round(1 / step));
      }
    }
  }

  return {
    blocks: Math.ceil(gateways / blockSize),
    /**
     * Entries of a block of gateways in a round, numbered from `pos` on: a chained batch of each, and after the
     * last of a minute a verified seal.
     */
    block(index: number, round: number, pos: number): JournalEntry[] {
      const entries: BatchEntry[] = [];
      const seals: SealEntry[] = [];
      const first = index * blockSize;
      const sha256 = String(round + 1).padStart(64, '0');
      const prev = String(round).padStart(64, '0');
      const receivedAtMs = SHIFT_START_MS + (round + 1) * FRAMES * SECOND_MS + 100;
      for (let i = 0; i < blockSize && first + i < gateways; i++) {
        fill(frames[i]!, first + i, round);
        const gateway = names[first + i]!;
        const numbers = { epoch: EPOCH, seq: round + 1 };
        entries.push({
          ...{ kind: 'batch', pos: pos + i, receivedAtMs, sha256, gateway, topic: 'live' },
          ...{ ...numbers, conflict: false },
          batch: {
            ...{ v: 1, gateway, ...numbers, prev, createdAt: receivedAtMs, clock: CLOCK },
            frames: frames[i]!,
          } as unknown as Batch,
        } as BatchEntry);
        if ((round + 1) % SEAL_ROUNDS !== 0) continue;
        const seal = { epoch: EPOCH, upTo: round + 1, hash: sha256, verified: true };
        seals.push({ kind: 'seal', pos: 0, receivedAtMs, sha256, gateway, ...seal });
      }
      return [...entries, ...seals.map((seal, i) => ({ ...seal, pos: pos + entries.length + i }))];
    },
  };
}
